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

data "aws_region" "here" {}

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
  sides   = { asks = "10.21.0.0/16", answers = "10.22.0.0/16" }
  subnets = { for p in setproduct(keys(local.sides), ["a", "b"]) : "${p[0]}-${p[1]}" => p }
}

resource "aws_vpc" "all" {
  for_each             = local.sides
  cidr_block           = each.value
  enable_dns_hostnames = true
}

resource "aws_subnet" "all" {
  for_each          = local.subnets
  vpc_id            = aws_vpc.all[each.value[0]].id
  cidr_block        = cidrsubnet(local.sides[each.value[0]], 8, each.value[1] == "a" ? 1 : 2)
  availability_zone = "${data.aws_region.here.name}${each.value[1]}"
}

resource "aws_vpc_peering_connection" "both" {
  vpc_id      = aws_vpc.all["asks"].id
  peer_vpc_id = aws_vpc.all["answers"].id
  auto_accept = true
}

resource "aws_route" "to" {
  for_each                  = { asks = "answers", answers = "asks" }
  route_table_id            = aws_vpc.all[each.key].main_route_table_id
  destination_cidr_block    = local.sides[each.value]
  vpc_peering_connection_id = aws_vpc_peering_connection.both.id
}

resource "aws_security_group" "all" {
  for_each = local.sides
  name     = "resolver"
  vpc_id   = aws_vpc.all[each.key].id
  ingress {
    from_port   = 53
    to_port     = 53
    protocol    = "udp"
    cidr_blocks = [local.sides["asks"]]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_route53_resolver_endpoint" "all" {
  for_each           = { asks = "OUTBOUND", answers = "INBOUND" }
  name               = var.changed ? "${each.key}-changed" : each.key
  direction          = each.value
  security_group_ids = [aws_security_group.all[each.key].id]
  dynamic "ip_address" {
    for_each = ["a", "b"]
    content {
      subnet_id = aws_subnet.all["${each.key}-${ip_address.value}"].id
    }
  }
  tags = { side = each.key }
}

resource "aws_route53_resolver_rule" "corp" {
  domain_name          = "corp.example"
  name                 = var.changed ? "other" : "corp"
  rule_type            = "FORWARD"
  resolver_endpoint_id = aws_route53_resolver_endpoint.all["asks"].id
  dynamic "target_ip" {
    for_each = slice([for a in aws_route53_resolver_endpoint.all["answers"].ip_address : a.ip], 0, var.changed ? 2 : 1)
    content {
      ip = target_ip.value
    }
  }
  tags = { changed = var.changed }
}

resource "aws_route53_resolver_rule" "own" {
  domain_name = "own.corp.example"
  rule_type   = "SYSTEM"
}

resource "aws_route53_resolver_rule_association" "all" {
  for_each         = { corp = aws_route53_resolver_rule.corp.id, own = aws_route53_resolver_rule.own.id }
  name             = each.key
  resolver_rule_id = each.value
  vpc_id           = aws_vpc.all["asks"].id
}

resource "aws_cloudwatch_log_group" "queries" {
  name = "queries"
}

resource "aws_route53_resolver_query_log_config" "queries" {
  name            = "queries"
  destination_arn = aws_cloudwatch_log_group.queries.arn
  tags            = { changed = var.changed }
}

resource "aws_route53_resolver_query_log_config_association" "queries" {
  count                        = var.changed ? 0 : 1
  resolver_query_log_config_id = aws_route53_resolver_query_log_config.queries.id
  resource_id                  = aws_vpc.all["asks"].id
}

resource "aws_route53_resolver_config" "answers" {
  resource_id              = aws_vpc.all["answers"].id
  autodefined_reverse_flag = var.changed ? "ENABLE" : "DISABLE"
}

resource "aws_route53_zone" "corp" {
  name = "corp.example"
  vpc {
    vpc_id = aws_vpc.all["answers"].id
  }
}

resource "aws_route53_record" "db" {
  zone_id = aws_route53_zone.corp.zone_id
  name    = "db"
  type    = "A"
  ttl     = 60
  records = ["10.22.1.40"]
}

resource "aws_instance" "client" {
  ami           = data.aws_ami.linux.id
  instance_type = "t3.micro"
  subnet_id     = aws_subnet.all["asks-a"].id
}

output "client" {
  value = aws_instance.client.id
}
