# Who may do what.

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

locals {
  stage = var.changed ? "second" : "first"
  tags  = { stage = local.stage }
}

data "aws_caller_identity" "me" {}

data "aws_iam_session_context" "me" {
  arn = data.aws_caller_identity.me.arn
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
    dynamic "principals" {
      for_each = var.changed ? [1] : []
      content {
        type        = "AWS"
        identifiers = [aws_iam_user.this["ann"].arn]
      }
    }
  }
}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "Read"
    actions   = var.changed ? ["ec2:Describe*", "logs:Get*"] : ["ec2:Describe*"]
    resources = ["*"]
  }
  statement {
    sid       = "Own"
    effect    = "Deny"
    actions   = ["iam:*"]
    resources = ["arn:aws:iam::${data.aws_caller_identity.me.account_id}:user/&{aws:username}"]
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy" "managed" {
  arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_account_alias" "this" {
  account_alias = "kumiko-${local.stage}"
}

resource "aws_iam_user" "this" {
  for_each             = toset(["ann", "bob"])
  name                 = each.key
  path                 = "/people/"
  permissions_boundary = var.changed ? aws_iam_policy.read.arn : null
  tags                 = local.tags
  force_destroy        = true
}

resource "aws_iam_group" "this" {
  for_each = toset(["readers", "others"])
  name     = each.key
  path     = var.changed ? "/groups/" : "/"
}

resource "aws_iam_group_membership" "this" {
  name  = "readers"
  group = aws_iam_group.this["readers"].name
  users = [for u in aws_iam_user.this : u.name if var.changed || u.name == "ann"]
}

resource "aws_iam_user_group_membership" "this" {
  user   = aws_iam_user.this["ann"].name
  groups = [aws_iam_group.this["others"].name]
}

resource "aws_iam_access_key" "this" {
  user   = aws_iam_user.this["ann"].name
  status = var.changed ? "Inactive" : "Active"
}

resource "aws_iam_policy" "read" {
  name        = "read"
  path        = "/"
  description = "reads"
  policy      = data.aws_iam_policy_document.read.json
  tags        = local.tags
}

resource "aws_iam_role" "this" {
  name                  = "machines"
  description           = local.stage
  max_session_duration  = var.changed ? 7200 : 3600
  assume_role_policy    = data.aws_iam_policy_document.trust.json
  force_detach_policies = true
  tags                  = local.tags
}

resource "aws_iam_service_linked_role" "this" {
  aws_service_name = "vpc-lattice.amazonaws.com"
}

resource "aws_iam_instance_profile" "this" {
  name = "machines"
  role = aws_iam_role.this.name
  tags = local.tags
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each   = { own = aws_iam_policy.read.arn, managed = data.aws_iam_policy.managed.arn }
  role       = aws_iam_role.this.name
  policy_arn = each.value
}

resource "aws_iam_user_policy_attachment" "this" {
  user       = aws_iam_user.this["bob"].name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_group_policy_attachment" "this" {
  group      = aws_iam_group.this["readers"].name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_policy" "everywhere" {
  name_prefix = "everywhere-"
  policy      = data.aws_iam_policy_document.read.json
}

resource "aws_iam_policy_attachment" "this" {
  name       = "everywhere"
  policy_arn = aws_iam_policy.everywhere.arn
  users      = [aws_iam_user.this["ann"].name]
  roles      = var.changed ? [aws_iam_role.this.name] : []
  groups     = [aws_iam_group.this["others"].name]
}

resource "aws_iam_role_policy" "this" {
  name   = "inline"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_role_policies_exclusive" "this" {
  role_name    = aws_iam_role.this.name
  policy_names = [aws_iam_role_policy.this.name]
}

resource "aws_iam_user_policy" "this" {
  name   = "inline"
  user   = aws_iam_user.this["ann"].name
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_group_policy" "this" {
  name   = "inline"
  group  = aws_iam_group.this["readers"].name
  policy = data.aws_iam_policy_document.read.json
}

data "aws_iam_user" "ann" {
  user_name = aws_iam_user.this["ann"].name
}

data "aws_iam_group" "readers" {
  group_name = aws_iam_group.this["readers"].name
  depends_on = [aws_iam_group_membership.this]
}

data "aws_iam_role" "this" {
  name = aws_iam_role.this.name
}

data "aws_iam_instance_profile" "this" {
  name       = aws_iam_instance_profile.this.name
  depends_on = [aws_iam_role.this]
}

data "aws_iam_roles" "machines" {
  name_regex = "^machines$"
  depends_on = [aws_iam_role.this]
}

data "aws_iam_users" "people" {
  path_prefix = "/people/"
  depends_on  = [aws_iam_user.this]
}

data "aws_iam_policy" "read" {
  name       = aws_iam_policy.read.name
  depends_on = [aws_iam_policy.read]
}

data "aws_iam_account_alias" "this" {
  depends_on = [aws_iam_account_alias.this]
}

data "aws_iam_access_keys" "ann" {
  user       = aws_iam_user.this["ann"].name
  depends_on = [aws_iam_access_key.this]
}

data "aws_iam_principal_policy_simulation" "read" {
  action_names      = ["ec2:DescribeVpcs"]
  policy_source_arn = aws_iam_role.this.arn
  depends_on        = [aws_iam_role_policy.this]
}

output "counts" {
  value = "${length(data.aws_iam_users.people.names)} ${length(data.aws_iam_roles.machines.names)} ${length(data.aws_iam_group.readers.users)} ${data.aws_iam_principal_policy_simulation.read.all_allowed}"
}
