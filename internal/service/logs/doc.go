// Package logs is the part of Amazon CloudWatch Logs that keeps and shows log events: groups, streams, events, filter
// patterns, retention and tags.
//
// Groups and streams are rows of the World; events are kept by package record. Limits, texts and the form of tokens are
// those of the CloudWatch Logs API Reference. What would have no effect here, such as encryption with a KMS key, is
// refused.
package logs
