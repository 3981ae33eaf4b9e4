# Documents and parameters of Systems Manager.

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
  run = {
    schemaVersion = "2.2"
    description   = "says ${local.stage}"
    parameters    = { word = { type = "String", default = local.stage } }
    mainSteps     = [{ action = "aws:runShellScript", name = "say", inputs = { runCommand = ["echo {{ word }}"] } }]
  }
}

resource "aws_ssm_document" "json" {
  name          = "Say"
  document_type = "Command"
  content       = jsonencode(local.run)
  tags          = local.tags
}

resource "aws_ssm_document" "yaml" {
  name            = "Say-Yaml"
  document_type   = "Command"
  document_format = "YAML"
  target_type     = "/AWS::EC2::Instance"
  content         = yamlencode(local.run)
}

resource "aws_ssm_document" "session" {
  name          = "Shell"
  document_type = "Session"
  content = jsonencode({
    schemaVersion = "1.0"
    sessionType   = "Standard_Stream"
    inputs        = { runAsEnabled = var.changed, runAsDefaultUser = "ec2-user" }
  })
}

resource "aws_ssm_parameter" "all" {
  for_each    = { String = "one", StringList = "one,two", SecureString = "secret" }
  name        = "/app/${each.key}"
  type        = each.key
  value       = var.changed ? "${each.value},three" : each.value
  description = local.stage
  tags        = local.tags
}

resource "aws_ssm_parameter" "image" {
  name           = "image"
  type           = "String"
  insecure_value = data.aws_ssm_parameter.image.insecure_value
  data_type      = "aws:ec2:image"
  overwrite      = true
}

resource "aws_ssm_parameter" "strict" {
  name            = "strict"
  type            = "String"
  tier            = "Standard"
  allowed_pattern = "^[a-z]+$"
  value           = local.stage
}

data "aws_ssm_parameter" "image" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

data "aws_ssm_parameter" "secret" {
  name       = "/app/SecureString"
  depends_on = [aws_ssm_parameter.all]
}

data "aws_ssm_parameters_by_path" "app" {
  path       = "/app"
  depends_on = [aws_ssm_parameter.all]
}

data "aws_ssm_document" "say" {
  name            = aws_ssm_document.json.name
  document_format = "JSON"
}

data "aws_ssm_instances" "all" {}

output "read" {
  value = nonsensitive("${data.aws_ssm_parameter.secret.value} ${length(data.aws_ssm_parameters_by_path.app.names)} ${jsondecode(data.aws_ssm_document.say.content).description} ${aws_ssm_document.json.default_version}")
}
