// Package flowlog writes VPC flow logs: what passed and what was refused at network interfaces, in windows of a minute
// or ten, to CloudWatch Logs.
//
// Where records come from: refusals are told packet by packet, as the kernel's filter logs them; what passed is counted
// by the kernel for each connection and fetched at the end of a minute. So a record is never a guess: REJECT was
// dropped, ACCEPT was carried. A packet between two interfaces of a VPC is in the records of both: it leaves one
// (egress) and enters the other (ingress). One that was refused where it was to enter left its sender all the same.
//
// What is not recorded: names, metadata, time and DHCP, which the VPC itself answers, and what passed in the minutes a
// daemon was not running. When the kernel's messages came faster than they were read, a SKIPDATA record says so.
//
// A flow log makes its log group with the first delivery if there is none. If the group is deleted after that, the flow
// log fails with "Access error" until there is one of that name again.
package flowlog
