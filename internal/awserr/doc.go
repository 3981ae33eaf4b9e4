// Package awserr has the errors AWS's services answer: their codes, HTTP statuses and texts.
//
// Services return these errors; package api writes them in the words of the protocol. The domain's own errors (*world.Error) are
// turned into AWS's by From, by the kind of the error and the noun it speaks of. Codes and texts are those of the AWS API references
// and of answers seen in public logs; clients such as Terraform compare them literally.
package awserr
