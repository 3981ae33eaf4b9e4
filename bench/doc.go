// Command bench measures kumiko beside the bare kernel and named peers, in turns in one run, and prints the medians,
// their ratios and the targets.
//
//	go run ./bench -kumiko bin/kumiko            # everything
//	go run ./bench -only interfaces,resources    # some parts
//
// It needs root. What a peer that is not installed would be compared with is reported as NOT MEASURED.
package main
