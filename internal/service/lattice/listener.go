package lattice

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateListener opens a port of a service.
func (s *Service) CreateListener(ctx context.Context, c world.Caller, in *latticeapi.CreateListenerInput) (*latticeapi.CreateListenerOutput, error) {
	name, err := checkName(listenerKind(), in.Name, 63)
	if err != nil {
		return nil, err
	}
	if p := value(in.Protocol); p != "HTTP" {
		return nil, awserr.LatticeValidation("Listeners of protocol %s are not supported here, only HTTP.", p)
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	q := request{c, "CreateListener", in.ClientToken, in}
	l, v, err := create(ctx, s, q, listeners, func(tx *world.Tx) (world.LatticeListener, error) {
		return newListener(tx, c, in, world.LatticeListener{Meta: tx.NewMeta(c, tags), Name: name, Protocol: "HTTP"})
	})
	if err != nil {
		return nil, err
	}
	d := v.listener(l)
	return &latticeapi.CreateListenerOutput{
		Arn: d.Arn, Id: d.Id, Name: d.Name, Protocol: d.Protocol, Port: d.Port, ServiceArn: d.ServiceArn, ServiceId: d.ServiceId, DefaultAction: d.DefaultAction,
	}, nil
}

func newListener(tx *world.Tx, c world.Caller, in *latticeapi.CreateListenerInput, l world.LatticeListener) (world.LatticeListener, error) {
	r, err := findService(&tx.World, c, in.ServiceIdentifier)
	if err != nil {
		return l, err
	}
	l.ID, l.Service, l.Port = world.LatticeListenerID(tx.NewID("listener")), r.ID, 80
	if in.Port != nil {
		l.Port = uint16(*in.Port)
	}
	if l.Default, err = checkAction(&tx.World, c, r.ID, in.DefaultAction); err != nil {
		return l, err
	}
	have := 0
	for o := range tx.LatticeListeners.In(string(r.ID)) {
		have++
		switch {
		case o.Name == l.Name:
			return l, taken(listenerKind(), string(o.ID), l.Name)
		case o.Port == l.Port:
			return l, awserr.LatticeConflict(listenerKind().noun, string(o.ID), "LISTENER with port %d already exists", l.Port)
		}
	}
	if err := groupsPerService().leaves(groupsOf(&tx.World, r.ID, l.Default) - 1); err != nil {
		return l, err
	}
	return l, listenersPerService().leaves(have)
}

// findService is the service that is named, unless it is going.
func findService(w *world.World, c world.Caller, identifier *string) (world.LatticeService, error) {
	r, err := find(w, &w.LatticeServices, c, serviceKind(), identifier)
	if err == nil && r.Deleting {
		err = awserr.LatticeConflict(serviceKind().noun, string(r.ID), "Service %s is in state %s", r.ID, deleting)
	}
	return r, err
}

// maxForward is how many target groups an action may send to. (VPC Lattice API Reference, WeightedTargetGroupList.)
const maxForward = 10

// usualWeight is the weight of a target group for which none is given.
const usualWeight = 100

// checkAction reads what is to become of requests to a service.
func checkAction(w *world.World, c world.Caller, s world.LatticeServiceID, in *latticeapi.RuleAction) (world.LatticeAction, error) {
	var a world.LatticeAction
	switch {
	case in == nil, in.Forward == nil && in.FixedResponse == nil, in.Forward != nil && in.FixedResponse != nil:
		return a, invalidField("action", "exactly one of forward and fixedResponse must be set")
	case in.FixedResponse != nil:
		if a.Status = int(value(in.FixedResponse.StatusCode)); a.Status != 404 && a.Status != 500 {
			return a, invalidField("fixedResponse.statusCode", "must be 404 or 500")
		}
		return a, nil
	}
	if n := len(in.Forward.TargetGroups); n == 0 || n > maxForward {
		return a, invalidField("forward.targetGroups", "must be 1 to 10 target groups")
	}
	for _, x := range in.Forward.TargetGroups {
		g, err := find(w, &w.LatticeTargetGroups, c, targetGroupKind(), x.TargetGroupIdentifier)
		if err != nil {
			return a, err
		}
		if g.Deleting {
			return a, awserr.LatticeConflict(targetGroupKind().noun, string(g.ID), "TargetGroup %s is in state %s", g.ID, deleting)
		}
		if slices.ContainsFunc(a.Groups, func(o world.LatticeWeight) bool { return o.Group == g.ID }) {
			return a, invalidField("forward.targetGroups", "'"+string(g.ID)+"' is given twice")
		}
		if slices.ContainsFunc(w.UsersOf(g.ID), func(o world.LatticeServiceID) bool { return o != s }) {
			return a, awserr.LatticeConflict(targetGroupKind().noun, string(g.ID), "TargetGroup %s has been associated with other services", g.ID)
		}
		weight := usualWeight
		if x.Weight != nil {
			weight = int(*x.Weight)
		}
		if weight < 0 || weight > 999 {
			return a, invalidField("forward.targetGroups.weight", "must be 0 to 999")
		}
		a.Groups = append(a.Groups, world.LatticeWeight{Group: g.ID, Weight: weight})
	}
	return a, nil
}

// action is an action as answers tell it.
func action(a world.LatticeAction) *latticeapi.RuleAction {
	if a.Status != 0 {
		return &latticeapi.RuleAction{FixedResponse: &latticeapi.FixedResponseAction{StatusCode: new(int32(a.Status))}}
	}
	f := &latticeapi.ForwardAction{}
	for _, g := range a.Groups {
		f.TargetGroups = append(f.TargetGroups, latticeapi.WeightedTargetGroup{TargetGroupIdentifier: new(string(g.Group)), Weight: new(int32(g.Weight))})
	}
	return &latticeapi.RuleAction{Forward: f}
}

func listeners(tx *world.Tx) *world.Table[world.LatticeListenerID, world.LatticeListener] {
	return &tx.LatticeListeners
}

// within is the id of a listener or rule that an identifier names: an id, or an ARN that ends in it below that of its parent.
func (k kind) within(parent string, identifier *string) (string, error) {
	text := value(identifier)
	id := strings.TrimPrefix(text, parent+"/"+k.path+"/")
	if !k.valid(id) {
		if k.valid(text[strings.LastIndexByte(text, '/')+1:]) {
			return "", awserr.LatticeNotFound(k.noun, text)
		}
		return "", invalidField(k.field, "'"+text+"' is no identifier of the form "+k.prefix+"-… and no ARN")
	}
	return id, nil
}

// findListener is the listener that is named, with its service.
func findListener(w *world.World, c world.Caller, service, identifier *string) (world.LatticeService, world.LatticeListener, error) {
	r, err := find(w, &w.LatticeServices, c, serviceKind(), service)
	if err != nil {
		return r, world.LatticeListener{}, err
	}
	id, err := listenerKind().within(serviceARN(r), identifier)
	if err != nil {
		return r, world.LatticeListener{}, err
	}
	l, ok := w.LatticeListeners.Get(world.LatticeListenerID(id))
	if !ok || l.Service != r.ID {
		return r, l, awserr.LatticeNotFound(listenerKind().noun, value(identifier))
	}
	return r, l, nil
}

func listenerARN(r world.LatticeService, l world.LatticeListener) string {
	return serviceARN(r) + "/listener/" + string(l.ID)
}

// listener is what answers say of a listener.
func (v view) listener(l world.LatticeListener) latticeapi.GetListenerOutput {
	r, _ := v.w.LatticeServices.Get(l.Service)
	return latticeapi.GetListenerOutput{
		Arn: new(listenerARN(r, l)), Id: new(string(l.ID)), Name: &l.Name, Protocol: &l.Protocol, Port: new(int32(l.Port)),
		ServiceArn: new(serviceARN(r)), ServiceId: new(string(r.ID)), DefaultAction: action(l.Default), CreatedAt: &l.Created, LastUpdatedAt: &l.Updated,
	}
}

// GetListener describes one listener.
func (s *Service) GetListener(_ context.Context, c world.Caller, in *latticeapi.GetListenerInput) (*latticeapi.GetListenerOutput, error) {
	v := s.look()
	_, l, err := findListener(&v.w, c, in.ServiceIdentifier, in.ListenerIdentifier)
	if err != nil {
		return nil, err
	}
	out := v.listener(l)
	return &out, nil
}

// ListListeners lists the listeners of a service.
func (s *Service) ListListeners(_ context.Context, c world.Caller, in *latticeapi.ListListenersInput) (*latticeapi.ListListenersOutput, error) {
	v := s.look()
	r, err := find(&v.w, &v.w.LatticeServices, c, serviceKind(), in.ServiceIdentifier)
	if err != nil {
		return nil, err
	}
	rows, next, err := listing.Page(listing.Lattice(), slices.Collect(v.w.LatticeListeners.In(string(r.ID))), world.LatticeListener.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListListenersOutput{Items: []latticeapi.ListenerSummary{}, NextToken: next}
	for _, l := range rows {
		d := v.listener(l)
		out.Items = append(out.Items, latticeapi.ListenerSummary{
			Arn: d.Arn, Id: d.Id, Name: d.Name, Protocol: d.Protocol, Port: d.Port, CreatedAt: d.CreatedAt, LastUpdatedAt: d.LastUpdatedAt,
		})
	}
	return out, nil
}

// UpdateListener changes what becomes of requests that no rule is for.
func (s *Service) UpdateListener(ctx context.Context, c world.Caller, in *latticeapi.UpdateListenerInput) (*latticeapi.UpdateListenerOutput, error) {
	var l world.LatticeListener
	v, err := s.update(ctx, func(tx *world.Tx) error {
		r, have, err := findListener(&tx.World, c, in.ServiceIdentifier, in.ListenerIdentifier)
		if err != nil {
			return err
		}
		if l = have; in.DefaultAction == nil {
			return invalidField("defaultAction", "must not be empty")
		}
		if l.Default, err = checkAction(&tx.World, c, r.ID, in.DefaultAction); err != nil {
			return err
		}
		tx.Touch(&l.Meta)
		tx.LatticeListeners.Put(l)
		return groupsPerService().leaves(groupsOf(&tx.World, r.ID) - 1)
	})
	if err != nil {
		return nil, err
	}
	d := v.listener(l)
	return &latticeapi.UpdateListenerOutput{
		Arn: d.Arn, Id: d.Id, Name: d.Name, Protocol: d.Protocol, Port: d.Port, ServiceArn: d.ServiceArn, ServiceId: d.ServiceId, DefaultAction: d.DefaultAction,
	}, nil
}

// groupsOf counts the target groups a service sends to, with those of further actions.
func groupsOf(w *world.World, s world.LatticeServiceID, more ...world.LatticeAction) int {
	groups := map[world.LatticeTargetGroupID]bool{}
	note := func(a world.LatticeAction) {
		for _, g := range a.Groups {
			groups[g.Group] = true
		}
	}
	for _, a := range more {
		note(a)
	}
	for l := range w.LatticeListeners.In(string(s)) {
		note(l.Default)
		for r := range w.LatticeRules.In(string(l.ID)) {
			note(r.Action)
		}
	}
	return len(groups)
}

// DeleteListener closes a port of a service, with its rules.
func (s *Service) DeleteListener(ctx context.Context, c world.Caller, in *latticeapi.DeleteListenerInput) (*latticeapi.DeleteListenerOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		_, l, err := findListener(&tx.World, c, in.ServiceIdentifier, in.ListenerIdentifier)
		if err == nil {
			removeListener(tx, l)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.DeleteListenerOutput{}, nil
}

func removeListener(tx *world.Tx, l world.LatticeListener) {
	for _, r := range slices.Collect(tx.LatticeRules.In(string(l.ID))) {
		tx.LatticeRules.Delete(r.ID)
	}
	tx.LatticeListeners.Delete(l.ID)
}
