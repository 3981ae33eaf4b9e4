package cloudinit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Config is the subset of #cloud-config that is carried out. (cloud-init documentation, "Module reference".)
type Config struct {
	SSHPasswordAuth  setting          `yaml:"ssh_pwauth"`
	Password         string           `yaml:"password"` // of the default user
	ChangePasswords  changePasswords  `yaml:"chpasswd"`
	Users            []userEntry      `yaml:"users"`
	SSHKeys          []string         `yaml:"ssh_authorized_keys"` // of the default user
	Files            []File           `yaml:"write_files"`
	Bootcmd          []shellOrCommand `yaml:"bootcmd"` // at every boot
	Runcmd           []shellOrCommand `yaml:"runcmd"`  // at the first boot
	Hostname         string           `yaml:"hostname"`
	FQDN             string           `yaml:"fqdn"`
	FinalMessage     string           `yaml:"final_message"`
	PreserveHostname bool             `yaml:"preserve_hostname"`
}

// known are the keys of Config.
func known() []string {
	return []string{"ssh_pwauth", "password", "chpasswd", "users", "ssh_authorized_keys", "write_files", "bootcmd", "runcmd",
		"hostname", "fqdn", "final_message", "preserve_hostname"}
}

// parse adds a document to the configuration and names the keys that mean nothing here.
func (c *Config) parse(raw []byte) (unknown []string, err error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("cloudinit: #cloud-config: %w", err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, errors.New("cloudinit: #cloud-config is not a mapping")
	}
	lastWins(top)
	for i := 0; i < len(top.Content); i += 2 {
		if k := top.Content[i].Value; !slices.Contains(known(), k) {
			unknown = append(unknown, k)
		}
	}
	if err := top.Decode(c); err != nil {
		return unknown, fmt.Errorf("cloudinit: #cloud-config: %w", err)
	}
	return unknown, nil
}

// lastWins removes earlier values of keys that a mapping has twice, as two
// documents written one after the other into a file have.
func lastWins(n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		last := map[string]int{}
		for i := 0; i < len(n.Content); i += 2 {
			last[n.Content[i].Value] = i
		}
		var kept []*yaml.Node
		for i := 0; i < len(n.Content); i += 2 {
			if last[n.Content[i].Value] == i {
				kept = append(kept, n.Content[i], n.Content[i+1])
			}
		}
		n.Content = kept
	}
	for _, c := range n.Content {
		lastWins(c)
	}
}

// HostName is the host name asked for, empty if none.
func (c Config) HostName() string {
	if c.PreserveHostname {
		return ""
	}
	if c.FQDN != "" {
		return c.FQDN
	}
	return c.Hostname
}

// BootCommands are the commands of each boot.
func (c Config) BootCommands() [][]string { return commands(c.Bootcmd) }

// FirstCommands are the commands of the first boot.
func (c Config) FirstCommands() [][]string { return commands(c.Runcmd) }

func commands(list []shellOrCommand) [][]string {
	var out [][]string
	for _, c := range list {
		if len(c) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// setting is yes, no or neither.
type setting struct{ set, value bool }

// UnmarshalYAML takes booleans, and the words people write for them.
func (s *setting) UnmarshalYAML(n *yaml.Node) error {
	switch strings.ToLower(n.Value) {
	case "true", "yes", "on", "1":
		*s = setting{true, true}
	case "false", "no", "off", "0":
		*s = setting{true, false}
	case "unchanged", "":
	default:
		return fmt.Errorf("line %d: %q is neither true nor false", n.Line, n.Value)
	}
	return nil
}

// or is the value, or the given one when there is none.
func (s setting) or(d bool) bool {
	if s.set {
		return s.value
	}
	return d
}

// shellOrCommand is an argument list; a string is one for the shell.
type shellOrCommand []string

// UnmarshalYAML takes a string or a list.
func (c *shellOrCommand) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*c = shellOrCommand{"/bin/sh", "-c", n.Value}
		return nil
	}
	var list []string
	if err := n.Decode(&list); err != nil {
		return err
	}
	*c = list
	return nil
}

// words is a list, or a string with commas.
type words []string

// UnmarshalYAML takes a string or a list.
func (w *words) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		if strings.EqualFold(n.Value, "false") || n.Value == "" {
			return nil
		}
		for part := range strings.SplitSeq(n.Value, ",") {
			*w = append(*w, strings.TrimSpace(part))
		}
		return nil
	}
	var list []string
	if err := n.Decode(&list); err != nil {
		return err
	}
	*w = list
	return nil
}
