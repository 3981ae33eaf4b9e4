package world

import "slices"

// managed checks rows of Systems Manager.
func (c *checker) managed(noun, id string) error {
	switch noun {
	case "managed-node":
		n, _ := c.w.ManagedNodes.Get(InstanceID(id))
		if i, ok := c.w.Instances.Get(n.Instance); !ok || i.Account != n.Account || i.Region != n.Region {
			return missing("instance", id)
		}
	case "node-session":
		s, _ := c.w.NodeSessions.Get(id)
		if s.Target == "" || s.Over() == (s.Status != SessionTerminated && s.Status != SessionFailed) {
			return broken(noun, id, "a session that is over has ended")
		}
	case "ssm-document":
		d, _ := c.w.Documents.Get(id)
		if _, ok := d.Version(d.Default); !ok {
			return broken(noun, id, "its default version is none of its own")
		}
	case "ssm-parameter":
		p, _ := c.w.Parameters.Get(id)
		if len(p.Versions) == 0 || !slices.IsSortedFunc(p.Versions, func(a, b ParameterVersion) int { return a.Number - b.Number }) {
			return broken(noun, id, "its versions are not in order")
		}
	case "ssm-command":
		k, _ := c.w.Commands.Get(id)
		if len(k.Invocations) == 0 && len(k.Targets) == 0 {
			return broken(noun, id, "it is for nobody")
		}
	}
	return nil
}
