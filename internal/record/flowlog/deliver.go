package flowlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kumiko/internal/record"
	"kumiko/internal/world"
)

// What AWS says of a delivery that failed. (Amazon EC2 API Reference, FlowLog, DeliverLogsErrorMessage.)
const (
	accessError  = "Access error"
	unknownError = "Unknown error"
)

// batch is a window that is over.
type batch struct {
	length int // seconds
	*window
}

// delivery is the records of one flow log.
type delivery struct {
	log   world.FlowLog
	lines map[string][]record.Event // by stream
}

func (d delivery) group() string { return world.LogGroupKey(d.log.Account, d.log.Region, d.log.Group) }

// write delivers the records of a window to the flow logs with windows of that length.
func (c *Collector) write(w *world.World, b batch, now time.Time) error {
	var all []delivery
	for f := range w.FlowLogs.All() {
		if f.Interval != b.length {
			continue
		}
		d, err := c.records(w, f, b, now)
		if err != nil {
			return err
		}
		if len(d.lines) > 0 {
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return nil
	}
	open, err := c.prepare(all)
	if err != nil {
		return err
	}
	var failed []world.FlowLogID
	var errs []error
	for _, d := range open {
		for stream, events := range d.lines {
			if err := c.c.Log.Append(d.group(), stream, events); err != nil {
				failed, errs = append(failed, d.log.ID), append(errs, err)
			}
		}
	}
	if len(failed) > 0 {
		errs = append(errs, c.fail(failed))
	}
	return errors.Join(errs...)
}

// prepare makes the streams, and the groups of flow logs that have not delivered yet, and writes down which flow logs
// can deliver. It returns those.
func (c *Collector) prepare(all []delivery) ([]delivery, error) {
	w := c.c.Store.World()
	if !slices.ContainsFunc(all, func(d delivery) bool { return !d.ready(&w) }) {
		return all, nil
	}
	var open []delivery
	_, err := c.c.Store.Update(context.Background(), func(tx *world.Tx) error {
		open = nil
		for _, d := range all {
			if d.prepare(tx) {
				open = append(open, d)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("flowlog: make log streams: %w", err)
	}
	return open, nil
}

// ready tells whether nothing needs to change for the delivery.
func (d delivery) ready(w *world.World) bool {
	f, ok := w.FlowLogs.Get(d.log.ID)
	if !ok || !f.Delivered || f.Failure != "" || !w.LogGroups.Has(d.group()) {
		return false
	}
	for stream := range d.lines {
		if !w.LogStreams.Has(world.LogStreamKey(d.group(), stream)) {
			return false
		}
	}
	return true
}

func (d delivery) prepare(tx *world.Tx) bool {
	f, ok := tx.FlowLogs.Get(d.log.ID)
	if !ok {
		return false
	}
	group := d.group()
	if !tx.LogGroups.Has(group) {
		if f.Delivered {
			f.Failure = accessError
			tx.FlowLogs.Put(f)
			return false
		}
		owner := world.Caller{Account: f.Account, Region: f.Region}
		tx.LogGroups.Put(world.LogGroup{Meta: tx.NewMeta(owner, nil), Name: f.Group, Class: "STANDARD"})
	}
	for stream := range d.lines {
		if !tx.LogStreams.Has(world.LogStreamKey(group, stream)) {
			tx.LogStreams.Put(world.LogStream{Group: group, Name: stream, Created: tx.Now})
		}
	}
	f.Delivered, f.Failure = true, ""
	tx.FlowLogs.Put(f)
	return true
}

// fail writes down that deliveries failed for a reason that is nobody's fault but ours.
func (c *Collector) fail(ids []world.FlowLogID) error {
	_, err := c.c.Store.Update(context.Background(), func(tx *world.Tx) error {
		for _, id := range ids {
			if f, ok := tx.FlowLogs.Get(id); ok {
				f.Failure = unknownError
				tx.FlowLogs.Put(f)
			}
		}
		return nil
	})
	return err
}
