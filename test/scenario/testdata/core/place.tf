# A VPC with every noun that places something in it.

resource "aws_vpc" "all" {
  cidr_block                           = "10.3.0.0/16"
  enable_dns_hostnames                 = true
  enable_network_address_usage_metrics = var.changed
  tags                                 = local.tags
}

resource "aws_vpc_ipv4_cidr_block_association" "more" {
  for_each   = toset(var.changed ? ["10.4.0.0/24", "10.5.0.0/24"] : ["10.4.0.0/24"])
  vpc_id     = aws_vpc.all.id
  cidr_block = each.value
}

resource "aws_vpc_dhcp_options" "this" {
  domain_name         = "example.internal"
  domain_name_servers = ["AmazonProvidedDNS"]
  ntp_servers         = ["169.254.169.123"]
  tags                = local.tags
}

resource "aws_vpc_dhcp_options_association" "this" {
  vpc_id          = aws_vpc.all.id
  dhcp_options_id = aws_vpc_dhcp_options.this.id
}

resource "aws_subnet" "all" {
  count                               = 3
  vpc_id                              = aws_vpc.all.id
  cidr_block                          = cidrsubnet("10.3.0.0/16", 8, count.index)
  availability_zone                   = data.aws_availability_zones.here.names[0]
  map_public_ip_on_launch             = var.changed
  private_dns_hostname_type_on_launch = "ip-name"
  tags                                = local.tags
}

resource "aws_subnet" "more" {
  vpc_id     = aws_vpc.all.id
  cidr_block = aws_vpc_ipv4_cidr_block_association.more["10.4.0.0/24"].cidr_block
  lifecycle {
    ignore_changes = [tags] # they are told apart
  }
}

resource "aws_ec2_subnet_cidr_reservation" "this" {
  subnet_id        = aws_subnet.all[0].id
  cidr_block       = "10.3.0.192/28"
  reservation_type = "prefix"
  description      = "for containers"
}

resource "aws_ec2_tag" "this" {
  resource_id = aws_subnet.more.id
  key         = "owner"
  value       = local.stage
}

resource "aws_default_vpc" "this" {
  enable_dns_hostnames = !var.changed
  force_destroy        = false
  tags                 = local.tags
}

resource "aws_default_subnet" "this" {
  availability_zone       = data.aws_availability_zones.here.names[0]
  map_public_ip_on_launch = !var.changed
  force_destroy           = true
  tags                    = local.tags
  depends_on              = [aws_default_vpc.this]
}

# The provider gives it no tags when it takes it over.
resource "aws_default_vpc_dhcp_options" "this" {
  depends_on = [aws_default_vpc.this]
}
