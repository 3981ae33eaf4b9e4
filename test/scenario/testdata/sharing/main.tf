# A service network of one account, used by another.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

variable "other" {
  description = "the access key of another account"
  type        = object({ id = string, secret = string })
}

provider "aws" {
  alias      = "other"
  access_key = var.other.id
  secret_key = var.other.secret
}

variable "changed" {
  type    = bool
  default = false
}

data "aws_caller_identity" "other" {
  provider = aws.other
}

resource "aws_vpclattice_service_network" "this" {
  name = "shared"
}

resource "aws_ram_resource_share" "this" {
  name                      = var.changed ? "renamed" : "named"
  allow_external_principals = true
  permission_arns           = ["arn:aws:ram::aws:permission/AWSRAMPermissionVpcLatticeServiceNetworkReadWrite"]
  tags                      = { stage = var.changed ? "second" : "first" }
}

resource "aws_ram_resource_association" "this" {
  resource_arn       = aws_vpclattice_service_network.this.arn
  resource_share_arn = aws_ram_resource_share.this.arn
}

resource "aws_ram_principal_association" "this" {
  principal          = data.aws_caller_identity.other.account_id
  resource_share_arn = aws_ram_resource_share.this.arn
}

resource "aws_ram_resource_share_accepter" "this" {
  provider   = aws.other
  share_arn  = aws_ram_principal_association.this.resource_share_arn
  depends_on = [aws_ram_resource_association.this]
}

resource "aws_vpc" "other" {
  provider   = aws.other
  cidr_block = "10.10.10.0/24"
}

resource "aws_vpclattice_service_network_vpc_association" "this" {
  provider                   = aws.other
  vpc_identifier             = aws_vpc.other.id
  service_network_identifier = aws_vpclattice_service_network.this.arn
  depends_on                 = [aws_ram_resource_share_accepter.this]
}

data "aws_ram_resource_share" "mine" {
  name           = aws_ram_resource_share.this.name
  resource_owner = "SELF"
}

data "aws_vpclattice_service_network" "theirs" {
  provider                   = aws.other
  service_network_identifier = aws_vpclattice_service_network.this.arn
  depends_on                 = [aws_ram_resource_share_accepter.this]
}

output "seen" {
  value = "${data.aws_ram_resource_share.mine.status} ${length(aws_ram_resource_share_accepter.this.resources)} ${data.aws_vpclattice_service_network.theirs.name}"
}
