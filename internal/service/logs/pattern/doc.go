// Package pattern reads the filter patterns of CloudWatch Logs and tells which messages match them.
//
// There are three kinds: terms (all of them, ?one of them, -none of them, "phrases", %regular expressions%), conditions
// on the fields of JSON messages ({ $.a = "x" && $.n > 3 }), and conditions on the fields of messages that are separated
// by spaces ([ip, user, status = 4*]). The empty pattern matches everything; all matching minds case. (CloudWatch Logs
// User Guide, "Filter pattern syntax".)
package pattern
