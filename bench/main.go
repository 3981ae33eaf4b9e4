package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"kumiko/bench/measure"
)

// config says how to measure.
type config struct {
	binary string        // the kumiko program
	rounds int           // of each comparison
	each   time.Duration // how long one measurement of load lasts
}

// part is one of the benchmarks.
type part struct {
	name string
	run  func(context.Context, config) ([]measure.Table, error)
}

// parts are all, in the order in which they run.
func parts() []part {
	return []part{
		{"interfaces", interfaces}, {"rules", rules}, {"resources", resources}, {"names", names}, {"api", api}, {"compile", compile}, {"enforce", enforce}, {"scale", scale}, {"instances", instances}, {"daemons", daemons},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var all []string
	for _, p := range parts() {
		all = append(all, p.name)
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	c := config{}
	flags.StringVar(&c.binary, "kumiko", "bin/kumiko", "the `program` to measure")
	flags.IntVar(&c.rounds, "rounds", 5, "`number` of rounds of each comparison")
	flags.DurationVar(&c.each, "each", time.Second, "how long each measurement of load takes")
	only := flags.String("only", strings.Join(all, ","), "`parts` to run, separated by commas")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("networks need root")
	}
	if _, err := fmt.Fprintf(out, "%s\n\nMedians of %d rounds in turns [least–most]; a ratio is the median of the rounds' ratios.\n", machine(), c.rounds); err != nil {
		return err
	}
	var failed error
	for _, p := range parts() {
		if !strings.Contains(","+*only+",", ","+p.name+",") {
			continue
		}
		begun := time.Now()
		tables, err := p.run(ctx, c)
		for _, t := range tables {
			if err := t.Write(out); err != nil {
				return err
			}
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", p.name, err))
		}
		fmt.Fprintf(os.Stderr, "bench: %s took %.0f s\n", p.name, time.Since(begun).Seconds())
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}

// machine describes what is measured on.
func machine() string {
	var u syscall.Utsname
	kernel := ""
	if syscall.Uname(&u) == nil {
		for _, c := range u.Release {
			if c == 0 {
				break
			}
			kernel += string(rune(c))
		}
	}
	model := "processor unknown"
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(raw)) {
			if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	memory := ""
	if raw, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int
		if _, err := fmt.Sscanf(string(raw), "MemTotal: %d kB", &kib); err == nil {
			memory = fmt.Sprintf(", %d GiB", kib>>20)
		}
	}
	return fmt.Sprintf("%d × %s%s, Linux %s, %s", runtime.NumCPU(), model, memory, kernel, runtime.Version())
}
