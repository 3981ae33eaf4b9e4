# Ways in and out of it, and between VPCs.

resource "aws_default_route_table" "this" {
  default_route_table_id = aws_vpc.all.default_route_table_id
  tags                   = local.tags
  dynamic "route" {
    for_each = var.changed ? ["198.51.100.0/24"] : []
    content {
      cidr_block = route.value
      gateway_id = aws_internet_gateway_attachment.all.internet_gateway_id
    }
  }
}

resource "aws_internet_gateway" "all" {
  tags = local.tags
}

resource "aws_internet_gateway_attachment" "all" {
  internet_gateway_id = aws_internet_gateway.all.id
  vpc_id              = aws_vpc.all.id
}

resource "aws_egress_only_internet_gateway" "this" {
  vpc_id = aws_vpc.all.id
  tags   = local.tags
}

resource "aws_route_table" "all" {
  vpc_id = aws_vpc.all.id
  tags   = local.tags
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway_attachment.all.internet_gateway_id
  }
  dynamic "route" {
    for_each = var.changed ? [] : [1]
    content {
      cidr_block                = "10.6.0.0/24"
      vpc_peering_connection_id = aws_vpc_peering_connection.other.id
    }
  }
}

resource "aws_route_table" "inner" {
  vpc_id = aws_vpc.all.id
}

resource "aws_main_route_table_association" "this" {
  vpc_id         = aws_vpc.this["left"].id
  route_table_id = aws_route_table.private.id
}

resource "aws_route_table_association" "all" {
  count          = 2
  subnet_id      = aws_subnet.all[count.index].id
  route_table_id = count.index == 0 || var.changed ? aws_route_table.all.id : aws_route_table.inner.id
}

resource "aws_route" "list" {
  route_table_id             = aws_route_table.inner.id
  destination_prefix_list_id = aws_ec2_managed_prefix_list.this.id
  nat_gateway_id             = aws_nat_gateway.private.id
}

resource "aws_route" "moved" {
  route_table_id         = aws_route_table.inner.id
  destination_cidr_block = "192.0.2.0/24"
  network_interface_id   = var.changed ? null : aws_network_interface.alone.id
  nat_gateway_id         = var.changed ? aws_nat_gateway.private.id : null
}

resource "aws_route" "appliance" {
  route_table_id         = aws_route_table.inner.id
  destination_cidr_block = aws_subnet.all[0].cidr_block
  network_interface_id   = aws_network_interface.alone.id
}

resource "aws_nat_gateway" "private" {
  connectivity_type              = "private"
  subnet_id                      = aws_subnet.all[1].id
  secondary_private_ip_addresses = var.changed ? ["10.3.1.200", "10.3.1.201"] : ["10.3.1.200"]
  tags                           = local.tags
}

resource "aws_eip" "all" {
  for_each = toset(["instance", "interface", "nat"])
  domain   = "vpc"
  tags     = local.tags
}

resource "aws_nat_gateway" "public" {
  allocation_id            = aws_eip.all["nat"].id
  subnet_id                = aws_subnet.all[0].id
  secondary_allocation_ids = var.changed ? [aws_eip.more.id] : []
  depends_on               = [aws_internet_gateway_attachment.all]
}

resource "aws_eip" "more" {
  domain = "vpc"
}

# The reverse name of an address, which leads to it in a zone of the other account.
resource "aws_route53_zone" "public" {
  provider = aws.other
  name     = "core.example"
}

resource "aws_route53_record" "public" {
  provider = aws.other
  for_each = toset(["mail", "post"])
  zone_id  = aws_route53_zone.public.id
  name     = each.value
  type     = "A"
  ttl      = 60
  records  = [aws_eip.more.public_ip]
}

resource "aws_eip_domain_name" "this" {
  allocation_id = aws_eip.more.allocation_id
  domain_name   = aws_route53_record.public[var.changed ? "post" : "mail"].fqdn
}

resource "aws_eip_association" "instance" {
  allocation_id        = aws_eip.all["instance"].id
  network_interface_id = aws_instance.all.primary_network_interface_id
  depends_on           = [aws_internet_gateway_attachment.all]
}

resource "aws_eip_association" "interface" {
  allocation_id        = aws_eip.all["interface"].id
  network_interface_id = aws_network_interface.alone.id
  private_ip_address   = "10.3.0.11"
  depends_on           = [aws_internet_gateway_attachment.all]
}

# A peering with another account, and one with another region.
resource "aws_vpc" "other" {
  provider             = aws.other
  cidr_block           = "10.6.0.0/24"
  enable_dns_hostnames = true
}

resource "aws_vpc_peering_connection" "other" {
  vpc_id        = aws_vpc.all.id
  peer_vpc_id   = aws_vpc.other.id
  peer_owner_id = aws_vpc.other.owner_id
  depends_on    = [aws_vpc_ipv4_cidr_block_association.more] # none can be added while it waits
  tags          = local.tags
}

resource "aws_vpc_peering_connection_accepter" "other" {
  provider                  = aws.other
  vpc_peering_connection_id = aws_vpc_peering_connection.other.id
  auto_accept               = true
  tags                      = local.tags
}

resource "aws_vpc_peering_connection_options" "requester" {
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.other.id
  requester {
    allow_remote_vpc_dns_resolution = var.changed
  }
}

resource "aws_vpc_peering_connection_options" "accepter" {
  provider                  = aws.other
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.other.id
  accepter {
    allow_remote_vpc_dns_resolution = true
  }
}

resource "aws_vpc" "far" {
  provider   = aws.far
  cidr_block = "10.7.0.0/24"
}

resource "aws_vpc_peering_connection" "far" {
  vpc_id      = aws_vpc.all.id
  peer_vpc_id = aws_vpc.far.id
  peer_region = "eu-west-1"
  depends_on  = [aws_vpc_ipv4_cidr_block_association.more]
}

resource "aws_vpc_peering_connection_accepter" "far" {
  provider                  = aws.far
  vpc_peering_connection_id = aws_vpc_peering_connection.far.id
  auto_accept               = true
}
