package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	miekg "github.com/miekg/dns"

	"kumiko/bench/lab"
	"kumiko/bench/measure"
	"kumiko/internal/api/route53api"
	"kumiko/internal/driver/dns"
	"kumiko/internal/service/route53"
	"kumiko/internal/world"
)

// changes is how often a record is changed.
const changes = 200

// Changes measures how long a record that was answered for is not yet what the resolver says, with many others beside it.
func Changes(ctx context.Context) (t measure.Table, err error) {
	t = measure.Table{Title: "From the answer of a record change to the resolver's"}
	var port int
	resolvers := dns.New(dns.Config{Sockets: ours{&port}})
	defer resolvers.Close()
	l, err := lab.NewNamed(resolvers)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := l.Update(ctx, addZones); err != nil {
		return t, err
	}
	c, err := net.Dial("udp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return t, err
	}
	defer c.Close()
	w := &watcher{service: route53.New(route53.Config{Store: l.Store}), conn: &miekg.Conn{Conn: c}}
	var took measure.Sample
	for i := range changes {
		if err := l.Settle(ctx); err != nil {
			return t, err
		}
		d, err := w.change(ctx, i)
		if err != nil {
			return t, err
		}
		took.Milliseconds(d)
	}
	what := fmt.Sprintf("one record of %d in %d zones", loaded, zones)
	t.Rows = append(t.Rows,
		measure.Row{What: what, Unit: "ms", Ours: took, Target: "< 10 ms"},
		measure.Row{What: what + ", slower than nine of ten", Unit: "ms", Ours: measure.Sample{took.Quantile(.9)}})
	return t, nil
}

// addZones puts a VPC with all zones and names.
func addZones(tx *world.Tx) {
	v := lab.AddVPC(tx, "10.0.0.0/16")
	row, _ := tx.VPCs.Get(v.ID)
	row.DNSHostnames = true
	tx.VPCs.Put(row)
	for i := range zones {
		tx.HostedZones.Put(world.HostedZone{
			ID: zoneID(i), Meta: tx.NewMeta(lab.Caller, nil), Name: zoneOf(i), Reference: zoneOf(i), Private: true, VPCs: []world.ZoneVPC{{VPC: v.ID, Region: lab.Caller.Region}},
		})
	}
	for i := range loaded {
		tx.RecordSets.Put(world.RecordSet{Zone: zoneID(i % zones), Name: nameOf(i), Type: "A", TTL: 60, Values: []string{addrOf(i).String()}})
	}
}

func zoneID(zone int) world.HostedZoneID { return world.HostedZoneID(fmt.Sprintf("Z%020d", zone)) }

// watcher changes records and asks for them.
type watcher struct {
	service *route53.Service
	conn    *miekg.Conn
}

// change gives the i-th name another address, and tells how long after that was answered the resolver says so.
func (w *watcher) change(ctx context.Context, i int) (time.Duration, error) {
	want := netip.AddrFrom4([4]byte{172, 16, byte(i >> 8), byte(i)}).String()
	_, err := w.service.ChangeResourceRecordSets(ctx, lab.Caller, &route53api.ChangeResourceRecordSetsInput{
		HostedZoneId: new(string(zoneID(i % zones))), ChangeBatch: &route53api.ChangeBatch{Changes: []route53api.Change{{
			Action: new("UPSERT"), ResourceRecordSet: &route53api.ResourceRecordSet{
				Name: new(nameOf(i)), Type: new("A"), TTL: new(int64(60)), ResourceRecords: []route53api.ResourceRecord{{Value: &want}},
			},
		}}},
	})
	if err != nil {
		return 0, err
	}
	answered := time.Now()
	for time.Since(answered) < 10*time.Second {
		if err := w.conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
			return 0, err
		}
		m, _, err := new(miekg.Client).ExchangeWithConn(new(miekg.Msg).SetQuestion(nameOf(i)+".", miekg.TypeA), w.conn)
		if err != nil {
			return 0, fmt.Errorf("ask for %s: %w", nameOf(i), err)
		}
		if a, ok := m.Answer[0].(*miekg.A); ok && a.A.String() == want {
			return time.Since(answered), nil
		}
	}
	return 0, fmt.Errorf("%s never becomes %s", nameOf(i), want)
}
