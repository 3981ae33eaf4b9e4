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
    values = ["al2023-ami-2023*"]
  }
  filter {
    name   = "architecture"
    values = ["x86_64"]
  }
}

resource "aws_vpc" "all" {
  for_each             = toset(["a", "b"])
  cidr_block           = "10.20.0.0/24"
  enable_dns_hostnames = true
}

resource "aws_subnet" "a" {
  vpc_id     = aws_vpc.all["a"].id
  cidr_block = "10.20.0.0/24"
}

resource "aws_instance" "client" {
  ami           = data.aws_ami.linux.id
  instance_type = "t3.micro"
  subnet_id     = aws_subnet.a.id
}

resource "aws_route53_zone" "private" {
  name    = "example.internal"
  comment = "for both"
  vpc {
    vpc_id = aws_vpc.all["a"].id
  }
  lifecycle {
    ignore_changes = [vpc]
  }
  tags = { purpose = "test" }
}

resource "aws_route53_zone_association" "b" {
  zone_id = aws_route53_zone.private.zone_id
  vpc_id  = aws_vpc.all["b"].id
}

resource "aws_route53_zone" "public" {
  name = "example.org"
}

resource "aws_route53_health_check" "web" {
  fqdn              = "www.example.org"
  port              = 80
  type              = "HTTP"
  resource_path     = "/"
  failure_threshold = 3
  request_interval  = 30
}

resource "aws_route53_health_check" "all" {
  type                   = "CALCULATED"
  child_health_threshold = 1
  child_healthchecks     = [aws_route53_health_check.web.id]
}

resource "aws_route53_record" "plain" {
  for_each = {
    A     = ["10.20.0.10", "10.20.0.11"]
    AAAA  = ["fd00::1"]
    MX    = ["10 mail.example.internal"]
    TXT   = ["one", "two words"]
    SRV   = ["1 2 443 www.example.internal"]
    CAA   = ["0 issue \"ca.example\""]
    NAPTR = ["100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:a@example.internal!\" ."]
  }
  zone_id = aws_route53_zone.private.zone_id
  name    = "www.example.internal"
  type    = each.key
  ttl     = 300
  records = each.value
}

resource "aws_route53_record" "wildcard" {
  zone_id = aws_route53_zone.private.zone_id
  name    = "*.apps"
  type    = "CNAME"
  ttl     = 60
  records = ["www.example.internal"]
}

resource "aws_route53_record" "alias" {
  zone_id = aws_route53_zone.private.zone_id
  name    = "example.internal"
  type    = "A"
  alias {
    name                   = "www.example.internal"
    zone_id                = aws_route53_zone.private.zone_id
    evaluate_target_health = true
  }
  depends_on = [aws_route53_record.plain]
}

resource "aws_route53_record" "weighted" {
  for_each       = { one = 10, two = 0 }
  zone_id        = aws_route53_zone.private.zone_id
  name           = "weighted"
  type           = "A"
  ttl            = 60
  records        = ["10.20.0.${each.value + 1}"]
  set_identifier = each.key
  weighted_routing_policy {
    weight = each.value
  }
}

resource "aws_route53_record" "failover" {
  for_each        = { PRIMARY = "10.20.0.21", SECONDARY = "10.20.0.22" }
  zone_id         = aws_route53_zone.private.zone_id
  name            = "failover"
  type            = "A"
  ttl             = 60
  records         = [each.value]
  set_identifier  = each.key
  health_check_id = each.key == "PRIMARY" ? aws_route53_health_check.all.id : null
  failover_routing_policy {
    type = each.key
  }
}

resource "aws_route53_record" "latency" {
  for_each       = { us-east-1 = "10.20.0.31", eu-west-1 = "10.20.0.32" }
  zone_id        = aws_route53_zone.private.zone_id
  name           = "latency"
  type           = "A"
  ttl            = 60
  records        = [each.value]
  set_identifier = each.key
  latency_routing_policy {
    region = each.key
  }
}

resource "aws_route53_record" "geo" {
  for_each       = { US = "10.20.0.41", "*" = "10.20.0.42" }
  zone_id        = aws_route53_zone.private.zone_id
  name           = "geo"
  type           = "A"
  ttl            = 60
  records        = [each.value]
  set_identifier = "at ${each.key}"
  geolocation_routing_policy {
    country = each.key
  }
}

resource "aws_route53_record" "multivalue" {
  for_each                         = { one = "10.20.0.51", two = "10.20.0.52" }
  zone_id                          = aws_route53_zone.private.zone_id
  name                             = "many"
  type                             = "A"
  ttl                              = 60
  records                          = [each.value]
  set_identifier                   = each.key
  multivalue_answer_routing_policy = true
}

resource "aws_route53_record" "public" {
  zone_id = aws_route53_zone.public.zone_id
  name    = "www"
  type    = "A"
  ttl     = 60
  records = ["198.18.7.7"]
}

data "aws_route53_zone" "private" {
  name         = "example.internal."
  private_zone = true
  vpc_id       = aws_vpc.all["a"].id
  depends_on   = [aws_route53_zone.private]
}

output "client" {
  value = aws_instance.client.id
}

output "zone" {
  value = data.aws_route53_zone.private.zone_id
}
