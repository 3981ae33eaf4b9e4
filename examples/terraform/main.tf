# SSH through VPC Lattice between two VPCs with the same CIDR.
# The environment of `kumiko env` is all that is needed: no endpoints, no skip flags.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

variable "cidr" {
  default = "10.10.10.0/24"
}

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

# Who may log in to the provider's instance.
resource "aws_key_pair" "login" {
  key_name   = "terraform"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBjRZCGyRr4SVzUCBRhkXuYZJzdCjOY+RmQ3Fzqyu+G8 example"
}

# The consumer and the provider, both with the same range.
resource "aws_vpc" "this" {
  for_each   = toset(["consumer", "provider"])
  cidr_block = var.cidr
  tags       = { Name = each.key }
}

resource "aws_subnet" "this" {
  for_each          = { for p in setproduct(keys(aws_vpc.this), [0, 1]) : "${p[0]}-${p[1]}" => { vpc = p[0], n = tonumber(p[1]) } }
  vpc_id            = aws_vpc.this[each.value.vpc].id
  cidr_block        = cidrsubnet(var.cidr, 1, each.value.n)
  availability_zone = data.aws_availability_zones.here.names[each.value.n]
}

resource "aws_security_group" "instances" {
  for_each = aws_vpc.this
  name     = "instances"
  vpc_id   = each.value.id
}

resource "aws_vpc_security_group_egress_rule" "instances" {
  for_each          = aws_security_group.instances
  security_group_id = each.value.id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_security_group" "gateway" {
  name   = "gateway"
  vpc_id = aws_vpc.this["provider"].id
  egress {
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = [var.cidr]
  }
}

resource "aws_vpc_security_group_ingress_rule" "from_gateway" {
  security_group_id            = aws_security_group.instances["provider"].id
  referenced_security_group_id = aws_security_group.gateway.id
  ip_protocol                  = "tcp"
  from_port                    = 22
  to_port                      = 22
}

resource "aws_instance" "this" {
  for_each               = aws_vpc.this
  ami                    = data.aws_ami.linux.id
  instance_type          = "t3.micro"
  key_name               = aws_key_pair.login.key_name
  subnet_id              = aws_subnet.this["${each.key}-0"].id
  vpc_security_group_ids = [aws_security_group.instances[each.key].id]
  tags                   = { Name = each.key }
}

# The provider's side of Lattice.
resource "aws_vpclattice_resource_gateway" "this" {
  name               = "provider"
  vpc_id             = aws_vpc.this["provider"].id
  subnet_ids         = [aws_subnet.this["provider-0"].id, aws_subnet.this["provider-1"].id]
  security_group_ids = [aws_security_group.gateway.id]
}

resource "aws_vpclattice_resource_configuration" "ssh" {
  name                                           = "ssh"
  type                                           = "SINGLE"
  protocol                                       = "TCP"
  port_ranges                                    = ["22"]
  allow_association_to_shareable_service_network = true
  resource_gateway_identifier                    = aws_vpclattice_resource_gateway.this.id
  resource_configuration_definition {
    ip_resource {
      ip_address = aws_instance.this["provider"].private_ip
    }
  }
}

# The network between them, with access logs.
resource "aws_vpclattice_service_network" "this" {
  name      = "terraform"
  auth_type = "NONE"
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/terraform/resource-access"
  retention_in_days = 7
}

resource "aws_vpclattice_access_log_subscription" "this" {
  resource_identifier      = aws_vpclattice_service_network.this.id
  destination_arn          = "${aws_cloudwatch_log_group.access.arn}:*"
  service_network_log_type = "RESOURCE"
}

resource "aws_vpclattice_service_network_resource_association" "ssh" {
  service_network_identifier        = aws_vpclattice_service_network.this.id
  resource_configuration_identifier = aws_vpclattice_resource_configuration.ssh.id
}

# The consumer's side.
resource "aws_security_group" "clients" {
  name   = "clients"
  vpc_id = aws_vpc.this["consumer"].id
  ingress {
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = [var.cidr]
  }
}

resource "aws_vpclattice_service_network_vpc_association" "consumer" {
  service_network_identifier = aws_vpclattice_service_network.this.id
  vpc_identifier             = aws_vpc.this["consumer"].id
  security_group_ids         = [aws_security_group.clients.id]
}

# The same by endpoints, at addresses of the consumer's own range: of the network, and of the one resource.
resource "aws_vpc_endpoint" "network" {
  vpc_endpoint_type   = "ServiceNetwork"
  vpc_id              = aws_vpc.this["consumer"].id
  service_network_arn = aws_vpclattice_service_network.this.arn
  subnet_ids          = [aws_subnet.this["consumer-1"].id]
  security_group_ids  = [aws_security_group.clients.id]
  depends_on          = [aws_vpclattice_service_network_resource_association.ssh]
}

resource "aws_vpc_endpoint" "resource" {
  vpc_endpoint_type          = "Resource"
  vpc_id                     = aws_vpc.this["consumer"].id
  resource_configuration_arn = aws_vpclattice_resource_configuration.ssh.arn
  subnet_ids                 = [aws_subnet.this["consumer-0"].id, aws_subnet.this["consumer-1"].id]
  security_group_ids         = [aws_security_group.clients.id]
}

output "endpoints" {
  value = "${aws_vpc_endpoint.network.id} ${aws_vpc_endpoint.resource.id}"
}

output "name" {
  value = one(aws_vpclattice_service_network_resource_association.ssh.dns_entry).domain_name
}

output "client" {
  value = aws_instance.this["consumer"].id
}
