// Package elb does what the operations of Elastic Load Balancing say: Network Load Balancers with TCP listeners, and their target groups.
package elb
