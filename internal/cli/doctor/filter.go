package doctor

import (
	"errors"

	"kumiko/internal/kernel/nft"
)

// filter is a table that uses one thing of nftables the data plane needs, and what brings that thing.
type filter struct {
	name    string
	modules string
	table   nft.Table
}

// logGroup is the netlink group that refusals are told to. Nobody listens while the doctor tries.
const logGroup = 18

func filters() []filter {
	forward := nft.Base{Type: "filter", Hook: nft.Forward, Priority: nft.PriorityFilter, Policy: nft.Accept}
	raw := nft.Base{Type: "filter", Hook: nft.Prerouting, Priority: nft.PriorityRaw, Policy: nft.Accept}
	nat := nft.Base{Type: "nat", Hook: nft.Postrouting, Priority: nft.PrioritySrcNAT, Policy: nft.Accept}
	ranges := nft.Set{Name: "ranges", Key: []nft.Type{nft.Addr4, nft.Port}, Interval: true}
	sources := nft.Set{Name: "sources", Key: []nft.Type{nft.Mark}, Value: nft.Addr4}
	return []filter{
		{"sets", "nf_tables (CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET, 5.6 or newer)", table(forward, []nft.Set{ranges}, nft.End(nft.Verdict{Kind: nft.Accept}))},
		{"conntrack", "nf_conntrack nft_ct (CONFIG_NFT_CT)", table(forward, nil, nft.State(nft.Established))},
		{"zones", "nf_conntrack (CONFIG_NF_CONNTRACK_ZONES)", table(raw, nil, nft.SetValue(nft.SetOriginalZone(), "1", nft.FieldU16(1)))},
		{"labels", "nf_conntrack (CONFIG_NF_CONNTRACK_LABELS)", table(forward, nil, nft.SetValue(nft.AddLabels(), "1", nft.FieldLabels(1)))},
		{"routes", "nft_fib_inet (CONFIG_NFT_FIB_INET, CONFIG_NFT_FIB_IPV4)", table(raw, nil, nft.Is(nft.RoutedInterface(), nft.FieldInterface("lo")))},
		{"log", "nft_log nfnetlink_log (CONFIG_NFT_LOG, CONFIG_NETFILTER_NETLINK_LOG)", table(forward, nil, nft.Log("doctor", logGroup, 0))},
		{"nat", "nft_chain_nat nft_nat (CONFIG_NFT_NAT)", table(nat, []nft.Set{sources}, nft.SourceNAT("sources", nft.PacketMark()))},
	}
}

func table(b nft.Base, sets []nft.Set, c nft.Clause) nft.Table {
	return nft.Table{Name: "doctor", Sets: sets, Chains: []nft.Chain{{Name: "try", Base: b, Rules: []nft.Rule{nft.NewRule(c)}}}}
}

// apply puts the table into the namespace of the calling thread and takes it away again.
func apply(t *nft.Table) error {
	c, err := nft.Open(space)
	if err != nil {
		return err
	}
	err = c.Replace(t)
	if err == nil {
		err = c.Remove(t.Name)
	}
	return errors.Join(err, c.Close())
}
