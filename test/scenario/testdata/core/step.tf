# What the second step changes, and the account of others.

variable "changed" {
  type    = bool
  default = false
}

variable "other" {
  description = "the access key of another account"
  type        = object({ id = string, secret = string })
}

provider "aws" {
  alias      = "other"
  access_key = var.other.id
  secret_key = var.other.secret
}

provider "aws" {
  alias  = "far"
  region = "eu-west-1"
}

locals {
  stage = var.changed ? "second" : "first"
  tags  = { stage = local.stage }
}
