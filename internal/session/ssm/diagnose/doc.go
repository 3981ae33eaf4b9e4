// Package diagnose is the command ssm-cli inside an instance: it finds out, by the instance's own network and with its
// own role, what may keep the SSM agent from being reached, and prints it as the original does.
package diagnose
