terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

data "aws_region" "here" {}

data "aws_vpc_endpoint_service" "s3" {
  service      = "s3"
  service_type = "Gateway"
}

resource "aws_vpc" "x" {
  cidr_block           = "10.20.0.0/16"
  enable_dns_hostnames = true
}

resource "aws_subnet" "x" {
  count             = 2
  vpc_id            = aws_vpc.x.id
  cidr_block        = "10.20.${count.index}.0/24"
  availability_zone = "${data.aws_region.here.name}${["a", "b"][count.index]}"
}

resource "aws_security_group" "endpoint" {
  vpc_id = aws_vpc.x.id
  name   = "endpoint"
}

resource "aws_security_group" "more" {
  vpc_id = aws_vpc.x.id
  name   = "more"
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  security_group_id = aws_security_group.more.id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_endpoint" "ec2" {
  vpc_id              = aws_vpc.x.id
  service_name        = "com.amazonaws.${data.aws_region.here.name}.ec2"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = aws_subnet.x[*].id
  security_group_ids  = [aws_security_group.endpoint.id]
  tags                = { Name = "ec2" }
}

resource "aws_vpc_endpoint" "logs" {
  vpc_id            = aws_vpc.x.id
  service_name      = "com.amazonaws.${data.aws_region.here.name}.logs"
  vpc_endpoint_type = "Interface"
}

resource "aws_vpc_endpoint_subnet_association" "logs" {
  vpc_endpoint_id = aws_vpc_endpoint.logs.id
  subnet_id       = aws_subnet.x[0].id
}

resource "aws_vpc_endpoint_security_group_association" "logs" {
  vpc_endpoint_id   = aws_vpc_endpoint.logs.id
  security_group_id = aws_security_group.more.id
}

resource "aws_vpc_endpoint_policy" "logs" {
  vpc_endpoint_id = aws_vpc_endpoint.logs.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "logs:*", Resource = "*" }]
  })
}

resource "aws_route_table" "x" {
  vpc_id = aws_vpc.x.id
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id       = aws_vpc.x.id
  service_name = data.aws_vpc_endpoint_service.s3.service_name
}

resource "aws_vpc_endpoint_route_table_association" "s3" {
  vpc_endpoint_id = aws_vpc_endpoint.s3.id
  route_table_id  = aws_route_table.x.id
}

resource "aws_vpc_endpoint_private_dns" "logs" {
  vpc_endpoint_id     = aws_vpc_endpoint.logs.id
  private_dns_enabled = true
  depends_on          = [aws_vpc_endpoint_subnet_association.logs, aws_vpc_endpoint_security_group_association.logs, aws_vpc_endpoint_policy.logs]
}

data "aws_vpc_endpoint" "ec2" {
  id = aws_vpc_endpoint.ec2.id
}

output "names" {
  value = length(data.aws_vpc_endpoint.ec2.dns_entry)
}
