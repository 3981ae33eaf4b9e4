# The nouns of a VPC: ways in and out, what refuses, and what is told of it.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

data "aws_availability_zones" "here" {}

data "aws_ami" "linux" {
  most_recent = true
  owners      = ["amazon"]
  filter {
    name   = "name"
    values = ["al2023-ami-2023*"]
  }
  filter {
    name   = "architecture"
    values = ["x86_64"]
  }
}

locals {
  ranges = { left = "10.1.0.0/24", right = "10.2.0.0/24" }
}

resource "aws_vpc" "this" {
  for_each   = local.ranges
  cidr_block = each.value
  tags       = { Name = each.key }
}

resource "aws_subnet" "this" {
  for_each          = { for p in setproduct(keys(local.ranges), [0, 1]) : "${p[0]}-${p[1]}" => { vpc = p[0], n = tonumber(p[1]) } }
  vpc_id            = aws_vpc.this[each.value.vpc].id
  cidr_block        = cidrsubnet(local.ranges[each.value.vpc], 1, each.value.n)
  availability_zone = data.aws_availability_zones.here.names[each.value.n]
}

# Left: a public subnet with a NAT gateway, and a private one.
resource "aws_internet_gateway" "this" {
  for_each = aws_vpc.this
  vpc_id   = each.value.id
}

resource "aws_eip" "nat" {
  domain = "vpc"
  tags   = { Name = "nat" }
}

resource "aws_nat_gateway" "this" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.this["left-1"].id
  depends_on    = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this["left"].id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this["left"].id
  }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this["left"].id
}

resource "aws_route" "out" {
  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this.id
}

resource "aws_route_table_association" "this" {
  for_each       = { left-0 = aws_route_table.private.id, left-1 = aws_route_table.public.id }
  subnet_id      = aws_subnet.this[each.key].id
  route_table_id = each.value
}

# Right: an instance with a public address.
resource "aws_security_group" "this" {
  for_each = aws_vpc.this
  name     = "instances"
  vpc_id   = each.value.id
  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  security_group_id = aws_security_group.this["right"].id
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_instance" "this" {
  for_each               = aws_vpc.this
  ami                    = data.aws_ami.linux.id
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.this["${each.key}-0"].id
  vpc_security_group_ids = [aws_security_group.this[each.key].id]
  tags                   = { Name = each.key }
}

resource "aws_eip" "right" {
  domain = "vpc"
}

resource "aws_eip_association" "right" {
  allocation_id = aws_eip.right.id
  instance_id   = aws_instance.this["right"].id
}

resource "aws_route" "right" {
  route_table_id         = aws_vpc.this["right"].main_route_table_id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this["right"].id
}

# Between them.
resource "aws_vpc_peering_connection" "this" {
  vpc_id      = aws_vpc.this["left"].id
  peer_vpc_id = aws_vpc.this["right"].id
  auto_accept = true
}

resource "aws_route" "over" {
  for_each                  = { left = "right", right = "left" }
  route_table_id            = each.key == "left" ? aws_route_table.private.id : aws_vpc.this["right"].main_route_table_id
  destination_cidr_block    = local.ranges[each.value]
  vpc_peering_connection_id = aws_vpc_peering_connection.this.id
}

resource "aws_network_acl" "this" {
  vpc_id     = aws_vpc.this["right"].id
  subnet_ids = [aws_subnet.this["right-0"].id]
  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "tcp"
    cidr_block = "0.0.0.0/0"
    from_port  = 22
    to_port    = 22
  }
  egress {
    rule_no    = 100
    action     = "allow"
    protocol   = "tcp"
    cidr_block = "0.0.0.0/0"
    from_port  = 1024
    to_port    = 65535
  }
}

resource "aws_network_acl_rule" "mail" {
  network_acl_id = aws_network_acl.other.id
  rule_number    = 90
  rule_action    = "deny"
  protocol       = "tcp"
  cidr_block     = "0.0.0.0/0"
  from_port      = 25
  to_port        = 25
}

resource "aws_network_acl" "other" {
  vpc_id = aws_vpc.this["right"].id
}

resource "aws_cloudwatch_log_group" "flows" {
  name = "/terraform/flows"
}

resource "aws_flow_log" "this" {
  vpc_id                   = aws_vpc.this["right"].id
  traffic_type             = "ALL"
  log_destination          = aws_cloudwatch_log_group.flows.arn
  iam_role_arn             = "arn:aws:iam::000000000000:role/flows"
  max_aggregation_interval = 60
}

output "client" {
  value = aws_instance.this["left"].id
}

output "private" {
  value = aws_instance.this["right"].private_ip
}

output "public" {
  value = aws_eip.right.public_ip
}
