// Package agent is the SSM agent inside an instance, for images that have none of their own. It does what
// amazon-ssm-agent does, over the same protocol and by nothing but the instance's own network: its credentials are those
// of the instance's role, from the metadata service; it reports its health to ssm, keeps a control channel to
// ssmmessages, and runs the sessions and commands it is asked for. What is in its way shows in its log, in the words of
// the original: /var/log/amazon/ssm/amazon-ssm-agent.log.
//
// It owns the processes of its sessions, the user ssm-user and its log. It ends with the instance.
package agent
