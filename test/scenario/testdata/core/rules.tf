# What lets pass and what refuses.

resource "aws_ec2_managed_prefix_list" "this" {
  name           = "core"
  address_family = "IPv4"
  max_entries    = 3
  tags           = local.tags
  entry {
    cidr        = var.changed ? "203.0.113.0/25" : "203.0.113.0/24"
    description = local.stage
  }
}

resource "aws_ec2_managed_prefix_list" "apart" {
  name           = "apart"
  address_family = "IPv4"
  max_entries    = 3
}

resource "aws_ec2_managed_prefix_list_entry" "this" {
  for_each       = toset(var.changed ? ["192.0.2.0/25", "192.0.2.128/25"] : ["192.0.2.0/25"])
  prefix_list_id = aws_ec2_managed_prefix_list.apart.id
  cidr           = each.value
}

resource "aws_security_group" "inline" {
  name        = "inline"
  description = "rules within"
  vpc_id      = aws_vpc.all.id
  tags        = local.tags
  ingress {
    description     = local.stage
    protocol        = "tcp"
    from_port       = 443
    to_port         = var.changed ? 444 : 443
    cidr_blocks     = ["10.0.0.0/8", "192.168.0.0/16"]
    security_groups = [aws_security_group.apart.id]
    self            = true
  }
  ingress {
    protocol        = "icmp"
    from_port       = 8
    to_port         = 0
    prefix_list_ids = [aws_ec2_managed_prefix_list.this.id]
  }
  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "apart" {
  name_prefix = "apart-"
  vpc_id      = aws_vpc.all.id
}

resource "aws_security_group_rule" "this" {
  for_each          = { tcp = [22, 22], udp = var.changed ? [53, 54] : [53, 53], "-1" = [0, 0] }
  security_group_id = aws_security_group.apart.id
  type              = each.key == "-1" ? "egress" : "ingress"
  protocol          = each.key
  from_port         = each.value[0]
  to_port           = each.value[1]
  cidr_blocks       = ["10.3.0.0/16"]
  description       = local.stage
}

resource "aws_security_group_rule" "group" {
  security_group_id        = aws_security_group.apart.id
  type                     = "ingress"
  protocol                 = "tcp"
  from_port                = 80
  to_port                  = 80
  source_security_group_id = aws_default_security_group.this.id
}

resource "aws_security_group_rule" "self" {
  security_group_id = aws_security_group.apart.id
  type              = "ingress"
  protocol          = "udp"
  from_port         = 0
  to_port           = 65535
  self              = true
}

resource "aws_security_group" "rules" {
  name   = "rules"
  vpc_id = aws_vpc.all.id
}

# Interfaces of another VPC carry it, too.
resource "aws_vpc_security_group_vpc_association" "this" {
  security_group_id = aws_security_group.shared.id
  vpc_id            = aws_vpc.this["right"].id
}

resource "aws_security_group" "shared" {
  name   = "shared"
  vpc_id = aws_vpc.all.id
  ingress {
    protocol    = "tcp"
    from_port   = var.changed ? 24 : 22
    to_port     = 24
    cidr_blocks = ["10.0.0.0/8"]
  }
}

resource "aws_network_interface" "shared" {
  subnet_id       = aws_subnet.this["right-1"].id
  security_groups = [aws_vpc_security_group_vpc_association.this.security_group_id]
}

resource "aws_vpc_security_group_ingress_rule" "shared" {
  security_group_id            = aws_security_group.this["right"].id
  ip_protocol                  = "udp"
  from_port                    = 53
  to_port                      = 53
  referenced_security_group_id = aws_vpc_security_group_vpc_association.this.security_group_id
}

resource "aws_vpc_security_group_ingress_rule" "list" {
  security_group_id = aws_security_group.rules.id
  ip_protocol       = "tcp"
  from_port         = 1000
  to_port           = var.changed ? 1002 : 1001
  prefix_list_id    = aws_ec2_managed_prefix_list.apart.id
  description       = local.stage
  tags              = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "group" {
  security_group_id            = aws_security_group.rules.id
  ip_protocol                  = "-1"
  referenced_security_group_id = aws_security_group.inline.id
}

resource "aws_vpc_security_group_egress_rule" "this" {
  security_group_id = aws_security_group.rules.id
  ip_protocol       = "icmp"
  from_port         = 8
  to_port           = -1
  cidr_ipv4         = var.changed ? "10.0.0.0/8" : "0.0.0.0/0"
  tags              = local.tags
}

resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.all.id
  tags   = local.tags
  ingress {
    protocol  = "-1"
    from_port = 0
    to_port   = 0
    self      = true
  }
}

resource "aws_default_network_acl" "this" {
  default_network_acl_id = aws_vpc.all.default_network_acl_id
  subnet_ids             = [aws_subnet.more.id]
  tags                   = local.tags
  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    from_port  = 0
    to_port    = 0
    cidr_block = "0.0.0.0/0"
  }
  egress {
    rule_no    = 100
    action     = var.changed ? "deny" : "allow"
    protocol   = "-1"
    from_port  = 0
    to_port    = 0
    cidr_block = "0.0.0.0/0"
  }
}

resource "aws_network_acl" "all" {
  vpc_id     = aws_vpc.all.id
  subnet_ids = slice(aws_subnet.all[*].id, 0, 2)
  tags       = local.tags
  ingress {
    rule_no    = 10
    action     = "allow"
    protocol   = "tcp"
    from_port  = 0
    to_port    = var.changed ? 1023 : 65535
    cidr_block = "0.0.0.0/0"
  }
  ingress {
    rule_no    = 20
    action     = "allow"
    protocol   = "icmp"
    icmp_type  = 8
    icmp_code  = -1
    from_port  = 0
    to_port    = 0
    cidr_block = "0.0.0.0/0"
  }
}

resource "aws_network_acl" "rules" {
  vpc_id = aws_vpc.all.id
}

resource "aws_network_acl_rule" "all" {
  for_each       = { 100 = "tcp", 110 = "udp", 120 = "-1" }
  network_acl_id = aws_network_acl.rules.id
  rule_number    = tonumber(each.key)
  egress         = each.value == "-1"
  rule_action    = var.changed ? "deny" : "allow"
  protocol       = each.value
  cidr_block     = "10.0.0.0/8"
  from_port      = each.value == "-1" ? null : 1024
  to_port        = each.value == "-1" ? null : 65535
}

resource "aws_network_acl_rule" "ping" {
  network_acl_id = aws_network_acl.rules.id
  rule_number    = 130
  rule_action    = "allow"
  protocol       = "icmp"
  icmp_type      = 8
  icmp_code      = 0
  cidr_block     = "10.0.0.0/8"
}

resource "aws_network_acl_association" "this" {
  network_acl_id = aws_network_acl.rules.id
  subnet_id      = aws_subnet.all[2].id
}
