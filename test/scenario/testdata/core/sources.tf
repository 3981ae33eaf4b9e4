# What is only read.

locals {
  all = { "vpc-id" = [aws_vpc.all.id] }
}

data "aws_region" "here" {}
data "aws_regions" "all" {}
data "aws_caller_identity" "me" {}
data "aws_partition" "here" {}

data "aws_availability_zone" "first" {
  name = data.aws_availability_zones.here.names[0]
}

data "aws_ec2_instance_types" "small" {
  filter {
    name   = "instance-type"
    values = ["t3.m*"]
  }
}

data "aws_ec2_instance_type_offering" "small" {
  preferred_instance_types = ["t3.micro", "t2.micro"]
  filter {
    name   = "instance-type"
    values = ["t?.micro"]
  }
}

data "aws_ec2_instance_type_offerings" "small" {
  location_type = "availability-zone"
  filter {
    name   = "instance-type"
    values = ["t3.micro"]
  }
}

data "aws_ami_ids" "linux" {
  owners = ["amazon"]
}

data "aws_prefix_list" "s3" {
  filter {
    name   = "prefix-list-name"
    values = ["com.amazonaws.${data.aws_region.here.name}.s3"]
  }
}

data "aws_ec2_managed_prefix_list" "s3" {
  name = data.aws_prefix_list.s3.name
}

data "aws_ec2_managed_prefix_list" "own" {
  id = aws_ec2_managed_prefix_list.this.id
}

data "aws_ec2_managed_prefix_lists" "amazon" {
  filter {
    name   = "owner-id"
    values = ["AWS"]
  }
}

data "aws_vpc" "all" {
  id         = aws_vpc.all.id
  depends_on = [aws_vpc_ipv4_cidr_block_association.more]
}

data "aws_vpcs" "stage" {
  tags       = local.tags
  depends_on = [aws_vpc.all]
}

data "aws_subnet" "more" {
  vpc_id     = aws_vpc.all.id
  cidr_block = aws_subnet.more.cidr_block
}

data "aws_subnets" "all" {
  filter {
    name   = "vpc-id"
    values = [aws_vpc.all.id]
  }
  depends_on = [aws_subnet.all, aws_subnet.more]
}

data "aws_route_table" "all" {
  subnet_id  = aws_subnet.all[0].id
  depends_on = [aws_route_table_association.all]
}

data "aws_route_tables" "all" {
  vpc_id     = aws_vpc.all.id
  depends_on = [aws_route_table.all, aws_route_table.inner]
}

data "aws_route" "out" {
  route_table_id         = aws_route_table.all.id
  destination_cidr_block = "0.0.0.0/0"
}

data "aws_internet_gateway" "all" {
  filter {
    name   = "attachment.vpc-id"
    values = [aws_internet_gateway_attachment.all.vpc_id]
  }
}

data "aws_nat_gateway" "private" {
  id = aws_nat_gateway.private.id
}

data "aws_nat_gateways" "all" {
  vpc_id     = aws_vpc.all.id
  depends_on = [aws_nat_gateway.private, aws_nat_gateway.public]
}

data "aws_eip" "nat" {
  id         = aws_eip.all["nat"].id
  depends_on = [aws_nat_gateway.public]
}

data "aws_eips" "stage" {
  tags       = local.tags
  depends_on = [aws_eip.all]
}

data "aws_security_group" "inline" {
  name   = aws_security_group.inline.name
  vpc_id = aws_vpc.all.id
}

data "aws_security_groups" "all" {
  filter {
    name   = "vpc-id"
    values = [aws_vpc.all.id]
  }
  depends_on = [aws_security_group.inline, aws_security_group.apart, aws_security_group.rules, aws_security_group.shared]
}

data "aws_vpc_security_group_rule" "list" {
  security_group_rule_id = aws_vpc_security_group_ingress_rule.list.security_group_rule_id
}

data "aws_vpc_security_group_rules" "rules" {
  filter {
    name   = "group-id"
    values = [aws_security_group.rules.id]
  }
  depends_on = [aws_vpc_security_group_ingress_rule.list, aws_vpc_security_group_ingress_rule.group, aws_vpc_security_group_egress_rule.this]
}

data "aws_network_acls" "all" {
  vpc_id     = aws_vpc.all.id
  depends_on = [aws_network_acl.all, aws_network_acl.rules]
}

data "aws_network_interface" "main" {
  id         = aws_network_interface.main.id
  depends_on = [aws_instance.all, aws_eip_association.instance]
}

data "aws_network_interfaces" "all" {
  filter {
    name   = "subnet-id"
    values = [aws_subnet.all[2].id]
  }
}

data "aws_instance" "all" {
  instance_id   = aws_instance.all.id
  get_user_data = true
  depends_on    = [aws_eip_association.instance]
}

data "aws_instances" "stage" {
  instance_tags = local.tags
  depends_on    = [aws_instance.all, aws_ec2_instance_state.plain]
}

data "aws_key_pair" "this" {
  key_name           = aws_key_pair.this.key_name
  include_public_key = true
}

data "aws_vpc_dhcp_options" "this" {
  dhcp_options_id = aws_vpc_dhcp_options.this.id
}

data "aws_vpc_peering_connection" "other" {
  id         = aws_vpc_peering_connection.other.id
  depends_on = [aws_vpc_peering_connection_accepter.other]
}

data "aws_vpc_peering_connections" "other" {
  filter {
    name   = "accepter-vpc-info.vpc-id"
    values = [aws_vpc.other.id]
  }
  depends_on = [aws_vpc_peering_connection.other]
}

data "aws_ec2_network_insights_path" "this" {
  network_insights_path_id = aws_ec2_network_insights_path.this.id
}

data "aws_ec2_network_insights_analysis" "this" {
  network_insights_analysis_id = aws_ec2_network_insights_analysis.this.id
}

output "counts" {
  value = join(" ", [for s in [
    data.aws_subnets.all.ids, data.aws_route_tables.all.ids, data.aws_nat_gateways.all.ids, data.aws_eips.stage.allocation_ids, data.aws_security_groups.all.ids,
    data.aws_vpc_security_group_rules.rules.ids, data.aws_network_acls.all.ids, data.aws_network_interfaces.all.ids, data.aws_instances.stage.ids,
    data.aws_vpc_peering_connections.other.ids, data.aws_ec2_managed_prefix_lists.amazon.ids, data.aws_ec2_instance_types.small.instance_types,
  ] : length(s)])
}
