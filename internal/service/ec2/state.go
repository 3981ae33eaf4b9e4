package ec2

import (
	"cmp"
	"slices"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// instanceState is the state of an instance in EC2's words.
type instanceState string

// The states of instances.
const (
	pending      instanceState = "pending"
	running      instanceState = "running"
	shuttingDown instanceState = "shutting-down"
	terminated   instanceState = "terminated"
	stopping     instanceState = "stopping"
	stopped      instanceState = "stopped"
)

// code is the state's number. (Amazon EC2 API Reference, InstanceState.)
func (s instanceState) code() int32 {
	return map[instanceState]int32{pending: 0, running: 16, shuttingDown: 32, terminated: 48, stopping: 64, stopped: 80}[s]
}

func (s instanceState) describe() *ec2api.InstanceState {
	return &ec2api.InstanceState{Code: new(s.code()), Name: new(string(s))}
}

// state is how far an instance is: what it was asked to be, and what was seen of its host. A reboot does not leave
// running; DescribeInstanceStatus tells that the checks have not passed yet.
func state(i world.Instance, seen store.Seen) instanceState {
	switch i.Power {
	case world.Terminated:
		if i.TerminatedAt.IsZero() {
			return shuttingDown
		}
		return terminated
	case world.Stopped:
		if gone(i, seen) {
			return stopped
		}
		return stopping
	}
	if up(i, seen) || i.Boot == i.Rebooted && i.Boot > 0 {
		return running
	}
	return pending
}

// up tells whether the instance's host of this boot runs.
func up(i world.Instance, seen store.Seen) bool {
	h := seen.Hosts[i.ID]
	return h.Phase == store.Running && h.Boot == i.Boot
}

// gone tells whether an instance that was asked not to run has no process left.
func gone(i world.Instance, seen store.Seen) bool {
	h, ok := seen.Hosts[i.ID]
	return seen.Ready(i.Rev) && (!ok || h.Phase == store.Exited)
}

// terminatedFor is how long a terminated instance can still be described. (Amazon EC2 User Guide, "Terminate Amazon EC2
// instances".)
const terminatedFor = time.Hour

// forgotten tells whether a terminated instance is no longer to be seen.
func forgotten(i world.Instance, now time.Time) bool {
	return !i.TerminatedAt.IsZero() && now.Sub(i.TerminatedAt) >= terminatedFor
}

// Unfinished tells whether Finish has something to do.
func Unfinished(w world.World, seen store.Seen, now time.Time) bool {
	return unfinishedBeyond(&w, seen, now) || len(changing(&w, seen, now)) > 0 || len(disassociated(&w, seen)) > 0 ||
		slices.ContainsFunc(w.Detaching(), func(e world.ENI) bool { return unplugged(e, seen) })
}

// Finish does, in a transaction, what follows from what was seen of hosts. The reconciler's owner calls it whenever
// [store.Seen] has changed and Unfinished is true:
//   - an instance whose host ended by itself is stopped, or terminated if that is its shutdown behaviour;
//   - a terminated instance whose host has gone loses its interfaces and becomes "terminated";
//   - a terminated instance nobody can describe any more is forgotten;
//   - an interface that is being detached is free once it has no cable;
//   - an association of a group that was asked to end goes once the kernel is without it.
func Finish(tx *world.Tx, seen store.Seen) {
	finishDetaching(tx, seen)
	for _, a := range disassociated(&tx.World, seen) {
		tx.GroupAssociations.Delete(a.RowID())
	}
	for _, i := range changing(&tx.World, seen, tx.Now) {
		step(i, seen, tx.Now)(tx, i)
	}
	finishBeyond(tx, seen)
}

// changing are the instances with which something is to be done: some of those that were asked to end, and of those
// whose host has ended.
func changing(w *world.World, seen store.Seen, now time.Time) []world.Instance {
	candidates := w.Ending()
	for id, h := range seen.Hosts {
		if h.Phase != store.Exited {
			continue
		}
		if i, ok := w.Instances.Get(id); ok && i.Power != world.Terminated {
			candidates = append(candidates, i)
		}
	}
	out := slices.DeleteFunc(candidates, func(i world.Instance) bool { return step(i, seen, now) == nil })
	slices.SortFunc(out, func(a, b world.Instance) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// step is what is to be done with an instance, nil if nothing is.
func step(i world.Instance, seen store.Seen, now time.Time) func(*world.Tx, world.Instance) {
	switch h := seen.Hosts[i.ID]; {
	case i.Power == world.Running && h.Phase == store.Exited && h.Boot == i.Boot:
		return hostEnded
	case i.Power == world.Terminated && i.TerminatedAt.IsZero() && gone(i, seen):
		return finishTermination
	case forgotten(i, now):
		return func(tx *world.Tx, i world.Instance) { tx.Instances.Delete(i.ID) }
	}
	return nil
}

func hostEnded(tx *world.Tx, i world.Instance) {
	i.Power = world.Stopped
	if i.ShutdownBehavior == "terminate" {
		i.Power = world.Terminated
	}
	dropPublic(tx, i.ID)
	i.StateReasonCode, i.StateReason = "Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown"
	i.Reason = ""
	tx.Touch(&i.Meta)
	tx.Instances.Put(i)
}

func finishTermination(tx *world.Tx, i world.Instance) {
	for _, e := range tx.ENIsOf(i.ID) {
		if e.Attachment.DeleteOnTermination && !e.Attachment.Detaching {
			deleteENI(tx, e)
			continue
		}
		e.Attachment, e.AutoPublic = world.Attachment{}, false
		tx.Touch(&e.Meta)
		tx.ENIs.Put(e)
	}
	i.TerminatedAt, i.Updated = tx.Now, tx.Now
	tx.Instances.Put(i)
}
