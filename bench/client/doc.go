// Package client calls the EC2 API at a rate no stock client reaches, so that the server is measured.
package client
