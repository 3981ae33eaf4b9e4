// Package measure takes samples of what is compared in turns, and prints their medians, ratios and spread beside the
// target.
package measure
