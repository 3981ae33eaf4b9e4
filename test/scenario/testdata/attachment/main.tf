# An interface attached to an instance. The provider asks twenty times for an attachment that is gone until it believes that, which takes it
# two and a half minutes: so this is a configuration of its own.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

data "aws_ami" "linux" {
  most_recent = true
  owners      = ["amazon"]
  filter {
    name   = "name"
    values = ["al2023-ami-2023*-x86_64"]
  }
}

resource "aws_vpc" "this" {
  cidr_block = "10.8.0.0/24"
}

resource "aws_subnet" "this" {
  vpc_id     = aws_vpc.this.id
  cidr_block = aws_vpc.this.cidr_block
}

resource "aws_instance" "this" {
  ami           = data.aws_ami.linux.id
  instance_type = "t3.micro"
  subnet_id     = aws_subnet.this.id
}

resource "aws_network_interface" "second" {
  subnet_id = aws_subnet.this.id
}

resource "aws_network_interface_attachment" "this" {
  instance_id          = aws_instance.this.id
  network_interface_id = aws_network_interface.second.id
  device_index         = 1
}

data "aws_network_interface" "second" {
  id         = aws_network_interface.second.id
  depends_on = [aws_network_interface_attachment.this]
}

output "attached" {
  value = "${data.aws_network_interface.second.attachment[0].instance_id == aws_instance.this.id} ${aws_network_interface_attachment.this.status}"
}
