# A Network Load Balancer, an endpoint service before it, and an endpoint to that in a VPC with the same range.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

variable "changed" {
  type    = bool
  default = false
}

data "aws_caller_identity" "me" {}

data "aws_availability_zones" "here" {}

data "aws_ami" "linux" {
  most_recent = true
  owners      = ["amazon"]
  filter {
    name   = "name"
    values = ["al2023-ami-2023*-x86_64"]
  }
}

resource "aws_vpc" "all" {
  count      = 2
  cidr_block = "10.30.0.0/16"
}

resource "aws_subnet" "all" {
  count             = 4
  vpc_id            = aws_vpc.all[floor(count.index / 2)].id
  cidr_block        = "10.30.${count.index % 2}.0/24"
  availability_zone = data.aws_availability_zones.here.names[count.index % 2]
}

resource "aws_security_group" "open" {
  count  = 2
  vpc_id = aws_vpc.all[count.index].id
  name   = "open"
  ingress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["10.30.0.0/16"]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

# The first serves: SSH, which every instance does.
resource "aws_instance" "all" {
  count                  = 2
  ami                    = data.aws_ami.linux.id
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.all[count.index * 2].id
  vpc_security_group_ids = [aws_security_group.open[count.index].id]
}

resource "aws_lb" "this" {
  name                             = "ssh"
  load_balancer_type               = "network"
  internal                         = true
  subnets                          = slice(aws_subnet.all[*].id, 0, var.changed ? 1 : 2)
  enable_cross_zone_load_balancing = true
  tags                             = { Stage = var.changed ? "changed" : "made" }
}

resource "aws_lb_target_group" "this" {
  name               = "ssh"
  port               = 22
  protocol           = "TCP"
  vpc_id             = aws_vpc.all[0].id
  preserve_client_ip = false
  health_check {
    protocol = "TCP"
    interval = var.changed ? 10 : 5
    timeout  = 5
  }
}

resource "aws_lb_target_group_attachment" "this" {
  target_group_arn = aws_lb_target_group.this.arn
  target_id        = aws_instance.all[0].id
}

resource "aws_lb_listener" "this" {
  load_balancer_arn = aws_lb.this.arn
  port              = var.changed ? 2022 : 22
  protocol          = "TCP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

resource "aws_vpc_endpoint_service" "this" {
  count                      = var.changed ? 0 : 1
  acceptance_required        = true
  network_load_balancer_arns = [aws_lb.this.arn]
  tags                       = { Name = "ssh" }
}

resource "aws_vpc_endpoint_service_allowed_principal" "me" {
  count                   = var.changed ? 0 : 1
  vpc_endpoint_service_id = aws_vpc_endpoint_service.this[0].id
  principal_arn           = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root"
}

resource "aws_vpc_endpoint" "this" {
  count              = var.changed ? 0 : 1
  vpc_id             = aws_vpc.all[1].id
  service_name       = aws_vpc_endpoint_service.this[0].service_name
  vpc_endpoint_type  = "Interface"
  subnet_ids         = slice(aws_subnet.all[*].id, 2, 4)
  security_group_ids = [aws_security_group.open[1].id]
}

resource "aws_vpc_endpoint_connection_accepter" "this" {
  count                   = var.changed ? 0 : 1
  vpc_endpoint_service_id = aws_vpc_endpoint_service.this[0].id
  vpc_endpoint_id         = aws_vpc_endpoint.this[0].id
}

data "aws_lb" "this" {
  name       = "ssh"
  depends_on = [aws_lb_listener.this]
}

output "group" { value = aws_lb_target_group.this.arn }
output "name" { value = var.changed ? data.aws_lb.this.dns_name : aws_vpc_endpoint.this[0].dns_entry[0].dns_name }
output "client" { value = aws_instance.all[var.changed ? 0 : 1].id }
output "port" { value = aws_lb_listener.this.port }
