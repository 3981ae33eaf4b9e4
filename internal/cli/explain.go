package cli

import (
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kumiko/internal/cli/admin"
)

func explainCommand(e *env) *cobra.Command {
	var out output
	var protocol string
	var live bool
	c := &cobra.Command{
		Use:   "explain FROM TO[:PORT]",
		Short: "Say whether FROM reaches TO, and which rule decides",
		Long: `Says whether a conversation from FROM to TO can be had, and by which rules, groups and routes; if not, which one stops
it and what would open it. No packet is sent: the answer is computed from what the kernel was told, so it is also
right for machines that do not listen yet. With --live a packet is sent as well, from within the instance, and what
came of it is told: whether it arrived, or which rule the kernel says refused it.

FROM is an instance, a network interface or an address; TO the same, a DNS name as FROM's resolver knows it, or the
http:// URL of a service of VPC Lattice.
Exit status: 0 open, 1 closed (a name without an address is closed too), 2 no answer (no such instance, no daemon).`,
		Example: lines("sudo kumiko explain i-0abc db.internal:5432", "sudo kumiko explain i-0abc 10.0.1.9:53 --protocol udp",
			"sudo kumiko explain eni-0abc i-0def --protocol icmp --output json", "sudo kumiko explain i-0abc i-0def:443 --live"),
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			to, path, err := splitPath(args[1])
			port := 0
			if err == nil {
				to, port, err = splitPort(to)
			}
			if port == 0 && path != "" {
				port = 80
			}
			if err != nil {
				return &status{exitUsage, err}
			}
			x, err := e.client().Explain(c.Context(), admin.Question{From: args[0], To: to, Port: port, Path: path, Protocol: protocol, Live: live})
			if err != nil {
				return &status{exitUsage, err}
			}
			if err := out.print(c.OutOrStdout(), x, func(w io.Writer) { printExplanation(w, x) }); err != nil {
				return err
			}
			if !x.Open {
				return &status{code: exitFailure}
			}
			return nil
		},
	}
	c.Flags().StringVar(&protocol, "protocol", "tcp", "tcp, udp, icmp or a protocol number")
	complete(c, "protocol", "tcp", "udp", "icmp")
	c.Flags().BoolVar(&live, "live", false, "send a packet too (tcp and udp) and say whether the kernel agrees")
	out.flag(c)
	return c
}

// splitPath takes a URL as HTTP has it apart: http://HOST[:PORT]/PATH. Elsewhere there is no path.
func splitPath(s string) (rest, path string, err error) {
	rest, ok := strings.CutPrefix(s, "http://")
	if !ok {
		return s, "", nil
	}
	rest, path, _ = strings.Cut(rest, "/")
	path, _, _ = strings.Cut(path, "?")
	if rest == "" {
		return "", "", fmt.Errorf("%q: there is no host in it", s)
	}
	return rest, "/" + path, nil
}

// splitPort takes HOST, HOST:PORT, an IPv6 address, or [IPv6]:PORT apart. Without a port it is 0.
func splitPort(s string) (host string, port int, err error) {
	if _, err := netip.ParseAddr(s); err == nil {
		return s, 0, nil
	}
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, 0, nil
	}
	n, err := strconv.ParseUint(s[i+1:], 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("%q: the port must be a number from 1 to 65535", s)
	}
	return strings.Trim(s[:i], "[]"), int(n), nil
}

func printExplanation(w io.Writer, x admin.Explanation) {
	verdict := "CLOSED"
	if x.Open {
		verdict = "OPEN"
	}
	fmt.Fprintf(w, "%s: %s\n", verdict, strings.TrimPrefix(strings.TrimPrefix(x.Summary, "no: "), "yes: "))
	if len(x.Steps) > 0 {
		fmt.Fprintf(w, "  %s\n", x.Flow)
	}
	for _, s := range x.Steps {
		mark := "✓"
		if !s.OK {
			mark = "✗"
		}
		fmt.Fprintf(w, "  %s %-15s %s", mark, s.Station, s.Text)
		if s.At != "" {
			fmt.Fprintf(w, "  [%s]", s.At)
		}
		fmt.Fprintln(w)
	}
	if x.Live != nil {
		fmt.Fprintf(w, "Live: %s\n", x.Live.Text)
	}
	if x.Hint != "" {
		fmt.Fprintf(w, "To open it: %s\n", x.Hint)
	}
}
