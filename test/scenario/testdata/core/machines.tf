# Instances and interfaces.

data "aws_ec2_instance_type" "small" {
  instance_type = "t3.micro"
}

resource "aws_key_pair" "this" {
  key_name   = "core"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJNvNdJQa3gsgdqAdmDPe7dJgCZLdfgK2tsdpvOAPZOX core"
  tags       = local.tags
}

resource "aws_iam_role" "instance" {
  name               = "core-instance"
  assume_role_policy = data.aws_iam_policy_document.trust["ec2"].json
}

data "aws_iam_policy_document" "trust" {
  for_each = toset(["ec2", "vpc-flow-logs"])
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }
  }
}

resource "aws_iam_instance_profile" "this" {
  name = "core-instance"
  role = aws_iam_role.instance.name
}

resource "aws_network_interface" "main" {
  subnet_id         = aws_subnet.all[0].id
  private_ips       = ["10.3.0.20"]
  security_groups   = [aws_security_group.inline.id]
  source_dest_check = var.changed
  description       = local.stage
  tags              = local.tags
}

resource "aws_network_interface" "alone" {
  subnet_id   = aws_subnet.all[0].id
  private_ips = var.changed ? ["10.3.0.10", "10.3.0.11", "10.3.0.12"] : ["10.3.0.10", "10.3.0.11"]
}

resource "aws_network_interface" "more" {
  subnet_id         = aws_subnet.all[0].id
  private_ips_count = var.changed ? 1 : 0
  security_groups   = var.changed ? [aws_security_group.inline.id] : [aws_security_group.rules.id]
}

resource "aws_network_interface_permission" "alone" {
  network_interface_id = aws_network_interface.alone.id
  aws_account_id       = aws_vpc.other.owner_id
  permission           = var.changed ? "EIP-ASSOCIATE" : "INSTANCE-ATTACH"
}

resource "aws_network_interface" "prefix" {
  subnet_id         = aws_subnet.all[0].id
  ipv4_prefix_count = 1
}

resource "aws_network_interface_sg_attachment" "this" {
  security_group_id    = aws_security_group.apart.id
  network_interface_id = aws_instance.plain.primary_network_interface_id
}

resource "aws_instance" "all" {
  ami                  = data.aws_ami.linux.id
  instance_type        = data.aws_ec2_instance_type.small.instance_type
  key_name             = aws_key_pair.this.key_name
  iam_instance_profile = aws_iam_instance_profile.this.name
  user_data            = "#!/bin/sh\necho up > /run/core\n"
  tags                 = local.tags
  network_interface {
    device_index         = 0
    network_interface_id = aws_network_interface.main.id
  }
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = var.changed ? 2 : 1
    instance_metadata_tags      = "enabled"
  }
}

resource "aws_instance" "plain" {
  ami                    = data.aws_ami.linux.id
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.all[0].id
  private_ip             = "10.3.0.30"
  secondary_private_ips  = ["10.3.0.31"]
  source_dest_check      = !var.changed
  monitoring             = false
  vpc_security_group_ids = [aws_security_group.rules.id]
  tags                   = local.tags
  lifecycle {
    ignore_changes = [vpc_security_group_ids]
  }
}

resource "aws_ec2_instance_state" "plain" {
  instance_id = aws_instance.plain.id
  state       = var.changed ? "stopped" : "running"
}

resource "aws_flow_log" "all" {
  for_each                 = { vpc = aws_vpc.all.id, subnet = aws_subnet.all[0].id, eni = aws_network_interface.main.id }
  vpc_id                   = each.key == "vpc" ? each.value : null
  subnet_id                = each.key == "subnet" ? each.value : null
  eni_id                   = each.key == "eni" ? each.value : null
  traffic_type             = each.key == "subnet" ? "REJECT" : "ALL"
  log_destination          = aws_cloudwatch_log_group.flows.arn
  iam_role_arn             = aws_iam_role.flows.arn
  log_format               = each.key == "eni" ? "$${interface-id} $${pkt-srcaddr} $${pkt-dstaddr} $${action}" : null
  max_aggregation_interval = each.key == "eni" ? 60 : 600
  tags                     = local.tags
}

resource "aws_iam_role" "flows" {
  name               = "core-flows"
  assume_role_policy = data.aws_iam_policy_document.trust["vpc-flow-logs"].json
}

resource "aws_iam_role_policy" "flows" {
  role   = aws_iam_role.flows.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "logs:*", Resource = "*" }] })
}

resource "aws_ec2_network_insights_path" "this" {
  source           = aws_network_interface.main.id
  destination      = aws_instance.plain.id
  protocol         = "tcp"
  destination_port = 443
  tags             = local.tags
}

resource "aws_ec2_network_insights_analysis" "this" {
  network_insights_path_id = aws_ec2_network_insights_path.this.id
  tags                     = local.tags
}
