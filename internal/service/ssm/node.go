package ssm

import (
	"context"
	"slices"
	"strings"
	"time"

	"kumiko/internal/api/ssmapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// The states of nodes.
const (
	online         = "Online"
	connectionLost = "ConnectionLost"
)

// report is the last word of an agent.
type report struct {
	at   time.Time
	lost *time.Timer // runs out when the next ones stay away
}

// heard notes that an agent has reported.
func (s *Service) heard(i world.InstanceID, at time.Time, period time.Duration) {
	if s.Channels == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	r := s.reports[i]
	if r == nil {
		r = &report{lost: time.AfterFunc(lostAfter*period, func() { s.lose(i) })}
		s.reports[i] = r
	}
	r.at = at
	r.lost.Reset(lostAfter * period)
}

// lose writes down that an agent does not report any more.
func (s *Service) lose(i world.InstanceID) {
	s.mu.Lock()
	r := s.reports[i]
	delete(s.reports, i)
	s.mu.Unlock()
	s.write(func(tx *world.Tx) error {
		if row, ok := tx.ManagedNodes.Get(i); ok && r != nil {
			row.Lost, row.Pinged = true, r.at
			tx.ManagedNodes.Put(row)
		}
		return nil
	})
}

// watchNodes expects a word from the nodes that were not lost when this process began.
func (s *Service) watchNodes() {
	w := s.Store.World()
	for n := range w.ManagedNodes.All() {
		if !n.Lost {
			s.heard(n.Instance, n.Pinged, n.Period)
		}
	}
}

// Close ends what goes on in the background.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, r := range s.reports {
		r.lost.Stop()
	}
	for _, t := range s.timers {
		t.Stop()
	}
}

// pinged is when the node reported last.
func (s *Service) pinged(n world.ManagedNode) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.reports[n.Instance]; r != nil && r.at.After(n.Pinged) {
		return r.at
	}
	return n.Pinged
}

func status(n world.ManagedNode) string {
	if n.Lost {
		return connectionLost
	}
	return online
}

// Unfinished tells whether nodes are to be forgotten whose instances are no more.
func Unfinished(w world.World) bool { return len(w.EndedNodes()) > 0 }

// Finish forgets the nodes whose instances are terminated.
func Finish(tx *world.Tx) {
	for _, i := range tx.EndedNodes() {
		tx.ManagedNodes.Delete(i)
	}
}

// EndSessions ends the sessions with instances that are terminated.
func (s *Service) EndSessions(w world.World) {
	for _, i := range w.EndedNodes() {
		for _, row := range w.SessionsWith(i) {
			s.channels().End(row.ID, "The instance was terminated.")
		}
	}
}

// DescribeInstanceInformation lists managed nodes.
func (s *Service) DescribeInstanceInformation(_ context.Context, c world.Caller, in *ssmapi.DescribeInstanceInformationInput) (*ssmapi.DescribeInstanceInformationOutput, error) {
	if len(in.Filters) > 0 && len(in.InstanceInformationFilterList) > 0 {
		return nil, awserr.SSMRefused("InvalidInstanceInformationFilterValue", "Filters and InstanceInformationFilterList cannot be used together.")
	}
	filters := map[string][]string{}
	for _, f := range in.InstanceInformationFilterList {
		filters[val(f.Key)] = append(filters[val(f.Key)], f.ValueSet...)
	}
	for _, f := range in.Filters {
		filters[val(f.Key)] = append(filters[val(f.Key)], f.Values...)
	}
	w := s.Store.World()
	for key, values := range filters { // also where there is nothing to filter
		if _, err := nodeHas(&w, world.ManagedNode{}, key, values); err != nil {
			return nil, err
		}
	}
	var rows []world.ManagedNode
	for _, n := range w.NodesIn(c.Account, c.Region) {
		keep := true
		for key, values := range filters {
			ok, err := nodeHas(&w, n, key, values)
			if err != nil {
				return nil, err
			}
			keep = keep && ok
		}
		if keep {
			rows = append(rows, n)
		}
	}
	rows, next, err := listing.Page(pages(5, 50, 10), rows, world.ManagedNode.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.DescribeInstanceInformationOutput{InstanceInformationList: []ssmapi.InstanceInformation{}, NextToken: next}
	for _, n := range rows {
		out.InstanceInformationList = append(out.InstanceInformationList, s.describeNode(n))
	}
	return out, nil
}

func (s *Service) describeNode(n world.ManagedNode) ssmapi.InstanceInformation {
	return ssmapi.InstanceInformation{
		InstanceId: new(string(n.Instance)), PingStatus: new(status(n)), LastPingDateTime: new(s.pinged(n)), AgentVersion: &n.AgentVersion,
		IsLatestVersion: new(true), PlatformType: &n.PlatformType, PlatformName: some(n.PlatformName), PlatformVersion: some(n.PlatformVersion),
		ResourceType: new("EC2Instance"), IPAddress: some(n.IPAddress), ComputerName: some(n.ComputerName),
		SourceId: new(string(n.Instance)), SourceType: new("AWS::EC2::Instance"),
	}
}

// nodeHas tells whether a node has one of the values of a filter. (AWS Systems Manager API Reference,
// InstanceInformationStringFilter.)
func nodeHas(w *world.World, n world.ManagedNode, key string, values []string) (bool, error) {
	has := func(v string) bool { return slices.Contains(values, v) }
	i, _ := w.Instances.Get(n.Instance)
	switch key {
	case "InstanceIds":
		return has(string(n.Instance)), nil
	case "AgentVersion":
		return has(n.AgentVersion), nil
	case "PingStatus":
		return has(status(n)), nil
	case "PlatformTypes", "PlatformType":
		return has(n.PlatformType), nil
	case "ResourceType":
		return has("EC2Instance"), nil
	case "SourceTypes", "SourceType":
		return has("AWS::EC2::Instance"), nil
	case "SourceIds", "SourceId":
		return has(string(n.Instance)), nil
	case "ActivationIds", "IamRole", "AssociationStatus":
		return false, nil
	case "tag-key":
		return slices.ContainsFunc(i.Tags, func(t world.Tag) bool { return has(t.Key) }), nil
	}
	if name, ok := strings.CutPrefix(key, "tag:"); ok {
		return slices.ContainsFunc(i.Tags, func(t world.Tag) bool { return t.Key == name && has(t.Value) }), nil
	}
	return false, awserr.SSMRefused("InvalidFilterKey", "The filter key %s is not valid.", key)
}

// GetConnectionStatus tells whether sessions with an instance can be begun.
func (s *Service) GetConnectionStatus(_ context.Context, c world.Caller, in *ssmapi.GetConnectionStatusInput) (*ssmapi.GetConnectionStatusOutput, error) {
	w, status := s.Store.World(), "notconnected"
	if s.reachable(&w, c, val(in.Target)) {
		status = "connected"
	}
	return &ssmapi.GetConnectionStatusOutput{Target: in.Target, Status: &status}, nil
}

// reachable tells whether a target is a node of the caller's that takes orders now.
func (s *Service) reachable(w *world.World, c world.Caller, target string) bool {
	n, ok := w.ManagedNodes.Get(world.InstanceID(target))
	return ok && own(c, n.Meta) && s.channels().Connected(n.Instance)
}
