// Package access writes the access logs of VPC Lattice: of resources a record for each connection, when it comes about, to
// every log group that subscribed to the service network or to the resource configuration; of services one for each request, when it is
// over, to the log group of the service network.
//
// Streams and members of a record are those AWS writes: /aws/vpc-lattice/resource-access-logs/ID, with the addresses
// behind the gateway only in the configuration's log. Connections wait in a queue and are written in batches; what is
// in the queue when the recorder is closed is written before Close returns. A connection of an association that no
// longer exists, or to a log group that no longer exists, leaves no record.
package access
