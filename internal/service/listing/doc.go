// Package listing serves the Describe and List operations of all services: it cuts lists into pages and applies EC2's filters.
package listing
