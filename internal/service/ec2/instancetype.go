package ec2

import (
	"context"
	"slices"
	"strings"
	"sync"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// instanceType is what is told of an instance type. Instances of all types get what the machine has.
type instanceType struct {
	name       string
	arch       string
	maker      string
	hypervisor string
	vcpus      int
	threads    int // of a core
	memory     int // MiB
	enis       int // most interfaces
	addrs      int // most addresses of an interface
	burst      bool
	old        bool // not of the current generation
}

// RowID is the type's name.
func (t instanceType) RowID() string { return t.name }

// size is one size of a family: processors, and how many interfaces and addresses.
type size struct {
	name               string
	vcpus, enis, addrs int
}

// family is a row of types that differ in size.
type family struct {
	names   string // separated by spaces
	maker   string
	arch    string
	threads int
	perCPU  int // MiB of memory for each processor
}

// instanceTypes are the types there are, by name. (Amazon EC2 Instance Types Guide, "Specifications".)
var instanceTypes = sync.OnceValue(func() []instanceType {
	out := append(burstable(), instanceType{name: "m1.small", arch: "x86_64", maker: "Intel", hypervisor: "xen", vcpus: 1, threads: 1,
		memory: 1740, enis: 2, addrs: 4, old: true})
	for _, f := range []family{
		{"m5 m6i m7i m7i-flex", "Intel", "x86_64", 2, 4096}, {"m5a m6a", "AMD", "x86_64", 2, 4096}, {"m7a", "AMD", "x86_64", 1, 4096},
		{"m6g m7g m8g", "AWS", "arm64", 1, 4096},
		{"c5 c6i c7i c7i-flex", "Intel", "x86_64", 2, 2048}, {"c5a c6a", "AMD", "x86_64", 2, 2048}, {"c6g c7g c8g", "AWS", "arm64", 1, 2048},
		{"r5 r6i r7i", "Intel", "x86_64", 2, 8192}, {"r5a r6a", "AMD", "x86_64", 2, 8192}, {"r6g r7g r8g", "AWS", "arm64", 1, 8192},
	} {
		out = append(out, f.types()...)
	}
	slices.SortFunc(out, func(a, b instanceType) int { return strings.Compare(a.name, b.name) })
	return out
})

func (f family) types() []instanceType {
	sizes := []size{{"large", 2, 3, 10}, {"xlarge", 4, 4, 15}, {"2xlarge", 8, 4, 15}, {"4xlarge", 16, 8, 30}, {"8xlarge", 32, 8, 30},
		{"12xlarge", 48, 8, 30}, {"16xlarge", 64, 15, 50}}
	if f.threads == 1 {
		sizes = append([]size{{"medium", 1, 2, 4}}, sizes...)
	}
	var out []instanceType
	for name := range strings.FieldsSeq(f.names) {
		for _, s := range sizes {
			if strings.HasSuffix(name, "-flex") && s.vcpus > 32 {
				continue
			}
			out = append(out, instanceType{name: name + "." + s.name, arch: f.arch, maker: f.maker, hypervisor: "nitro", vcpus: s.vcpus,
				threads: min(f.threads, s.vcpus), memory: s.vcpus * f.perCPU, enis: s.enis, addrs: s.addrs})
		}
	}
	return out
}

// burstable are the types of the t families, whose memory is the same for the same size.
func burstable() []instanceType {
	memory := map[string]int{"nano": 512, "micro": 1024, "small": 2048, "medium": 4096, "large": 8192, "xlarge": 16384, "2xlarge": 32768}
	nets := []size{{"nano", 2, 2, 2}, {"micro", 2, 2, 2}, {"small", 2, 3, 4}, {"medium", 2, 3, 6}, {"large", 2, 3, 12}, {"xlarge", 4, 4, 15}, {"2xlarge", 8, 4, 15}}
	var out []instanceType
	for _, f := range []instanceType{
		{name: "t2", arch: "x86_64", maker: "Intel", hypervisor: "xen", threads: 1}, {name: "t3", arch: "x86_64", maker: "Intel", hypervisor: "nitro", threads: 2},
		{name: "t3a", arch: "x86_64", maker: "AMD", hypervisor: "nitro", threads: 2}, {name: "t4g", arch: "arm64", maker: "AWS", hypervisor: "nitro", threads: 1},
	} {
		for _, n := range nets {
			t := f
			t.name, t.vcpus, t.memory, t.enis, t.addrs, t.burst = f.name+"."+n.name, n.vcpus, memory[n.name], n.enis, n.addrs, true
			if f.name == "t2" {
				t.enis = min(t.enis, 3)
				if t.memory <= 2048 {
					t.vcpus = 1
				}
			}
			out = append(out, t)
		}
	}
	return out
}

func findType(name string) (instanceType, bool) {
	all := instanceTypes()
	i, ok := slices.BinarySearchFunc(all, name, func(t instanceType, n string) int { return strings.Compare(t.name, n) })
	if !ok {
		return instanceType{}, false
	}
	return all[i], true
}

// credits is the way a burstable type is paid for when nothing was said. (Amazon EC2 User Guide, "Burstable performance
// instances".)
func (t instanceType) credits() string {
	switch {
	case !t.burst:
		return ""
	case strings.HasPrefix(t.name, "t2."):
		return "standard"
	}
	return "unlimited"
}

func (t instanceType) describe() ec2api.InstanceTypeInfo {
	nitro, ena := t.hypervisor == "nitro", "unsupported"
	if nitro {
		ena = "required"
	}
	return ec2api.InstanceTypeInfo{
		InstanceType: new(t.name), CurrentGeneration: new(!t.old), FreeTierEligible: new(t.name == "t2.micro" || t.name == "t3.micro"),
		SupportedUsageClasses: []string{"on-demand"}, SupportedRootDeviceTypes: []string{"ebs"}, SupportedVirtualizationTypes: []string{"hvm"},
		BareMetal: new(false), Hypervisor: new(t.hypervisor), InstanceStorageSupported: new(false), HibernationSupported: new(false),
		BurstablePerformanceSupported: new(t.burst), DedicatedHostsSupported: new(false), AutoRecoverySupported: new(false),
		SupportedBootModes: []string{"legacy-bios", "uefi"}, NitroEnclavesSupport: new("unsupported"), NitroTpmSupport: new("unsupported"),
		ProcessorInfo: &ec2api.ProcessorInfo{SupportedArchitectures: []string{t.arch}, SustainedClockSpeedInGhz: new(2.5), Manufacturer: new(t.maker)},
		VCpuInfo: &ec2api.VCpuInfo{DefaultVCpus: new(int32(t.vcpus)), DefaultCores: new(int32(t.vcpus / t.threads)),
			DefaultThreadsPerCore: new(int32(t.threads))},
		MemoryInfo: &ec2api.MemoryInfo{SizeInMiB: new(int64(t.memory))},
		EbsInfo: &ec2api.EbsInfo{EbsOptimizedSupport: new("default"), EncryptionSupport: new("supported"), NvmeSupport: new(ena),
			MaximumEbsAttachments: new(int32(1)), AttachmentLimitType: new("dedicated")},
		NetworkInfo: &ec2api.NetworkInfo{
			NetworkPerformance: new("Low to Moderate"), MaximumNetworkInterfaces: new(int32(t.enis)), MaximumNetworkCards: new(int32(1)),
			DefaultNetworkCardIndex: new(int32(0)), Ipv4AddressesPerInterface: new(int32(t.addrs)), Ipv6AddressesPerInterface: new(int32(0)),
			Ipv6Supported: new(false), EnaSupport: new(ena), EfaSupported: new(false), EncryptionInTransitSupported: new(false), EnaSrdSupported: new(false),
			NetworkCards: []ec2api.NetworkCardInfo{{NetworkCardIndex: new(int32(0)), NetworkPerformance: new("Low to Moderate"),
				MaximumNetworkInterfaces: new(int32(t.enis))}},
		},
		PlacementGroupInfo: &ec2api.PlacementGroupInfo{SupportedStrategies: []string{}},
	}
}

func typeFilters() listing.Filters[instanceType] {
	return listing.Filters[instanceType]{Fields: listing.Told(instanceType.describe,
		"auto-recovery-supported", "bare-metal", "burstable-performance-supported", "current-generation", "dedicated-hosts-supported",
		"ebs-info.attachment-limit-type", "ebs-info.maximum-ebs-attachments", "ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps",
		"ebs-info.ebs-optimized-info.baseline-iops", "ebs-info.ebs-optimized-info.baseline-throughput-in-mbps",
		"ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps", "ebs-info.ebs-optimized-info.maximum-iops",
		"ebs-info.ebs-optimized-info.maximum-throughput-in-mbps", "ebs-info.ebs-optimized-support", "ebs-info.encryption-support",
		"ebs-info.nvme-support", "free-tier-eligible", "hibernation-supported", "hypervisor", "instance-storage-info.disk.count",
		"instance-storage-info.disk.size-in-gb", "instance-storage-info.disk.type", "instance-storage-info.encryption-support",
		"instance-storage-info.nvme-support", "instance-storage-info.total-size-in-gb", "instance-storage-supported", "instance-type",
		"memory-info.size-in-mib", "network-info.bandwidth-weightings", "network-info.efa-info.maximum-efa-interfaces",
		"network-info.efa-supported", "network-info.ena-support", "network-info.encryption-in-transit-supported",
		"network-info.flexible-ena-queues-support", "network-info.ipv4-addresses-per-interface", "network-info.ipv6-addresses-per-interface",
		"network-info.ipv6-supported", "network-info.maximum-network-cards", "network-info.maximum-network-interfaces",
		"network-info.network-performance", "nitro-enclaves-support", "nitro-tpm-support", "nitro-tpm-info.supported-versions",
		"processor-info.supported-architecture", "processor-info.supported-features", "processor-info.sustained-clock-speed-in-ghz",
		"reboot-migration-support", "supported-boot-mode", "supported-root-device-type", "supported-usage-class",
		"supported-virtualization-type", "vcpu-info.default-cores", "vcpu-info.default-threads-per-core", "vcpu-info.default-vcpus",
		"vcpu-info.valid-cores", "vcpu-info.valid-threads-per-core")}
}

// DescribeInstanceTypes lists the instance types.
func (s *Service) DescribeInstanceTypes(_ context.Context, _ world.Caller, in *ec2api.DescribeInstanceTypesInput) (*ec2api.DescribeInstanceTypesOutput, error) {
	rows := instanceTypes()
	if len(in.InstanceTypes) > 0 {
		if in.MaxResults != nil {
			return nil, awserr.EC2Combination("The parameter instanceTypes cannot be used with the parameter maxResults")
		}
		var missing []string
		rows = nil
		for _, name := range in.InstanceTypes {
			if t, ok := findType(name); ok {
				rows = append(rows, t)
			} else {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			return nil, awserr.EC2Code("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", strings.Join(missing, ", "))
		}
	}
	page, next, err := list(query{filters: in.Filters, size: in.MaxResults, token: in.NextToken, dry: in.DryRun}, rows, typeFilters(), listing.EC2(5, 100))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeInstanceTypesOutput{InstanceTypes: each(page, instanceType.describe), NextToken: next}, nil
}

// offering is an instance type at a place.
type offering struct{ kind, place, where string }

// RowID is the type and the place.
func (o offering) RowID() string { return o.kind + " " + o.place }

// DescribeInstanceTypeOfferings lists where instance types can be had: everywhere.
func (s *Service) DescribeInstanceTypeOfferings(_ context.Context, c world.Caller, in *ec2api.DescribeInstanceTypeOfferingsInput) (*ec2api.DescribeInstanceTypeOfferingsOutput, error) {
	where := val(in.LocationType)
	var places []string
	switch where {
	case "", "region":
		where, places = "region", []string{c.Region}
	case "availability-zone":
		places = each(world.Zones(c.Region), func(z world.Zone) string { return z.Name })
	case "availability-zone-id":
		places = each(world.Zones(c.Region), func(z world.Zone) string { return z.ID })
	case "outpost":
	default:
		return nil, awserr.EC2InvalidParameter("locationType", where, "Expecting region, availability-zone or availability-zone-id.")
	}
	var rows []offering
	for _, t := range instanceTypes() {
		for _, p := range places {
			rows = append(rows, offering{t.name, p, where})
		}
	}
	filters := listing.Filters[offering]{Fields: map[string]func(offering) []string{
		"instance-type": one(func(o offering) string { return o.kind }),
		"location":      one(func(o offering) string { return o.place }),
	}}
	page, next, err := list(query{filters: in.Filters, size: in.MaxResults, token: in.NextToken, dry: in.DryRun}, rows, filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeInstanceTypeOfferingsOutput{NextToken: next, InstanceTypeOfferings: each(page, func(o offering) ec2api.InstanceTypeOffering {
		return ec2api.InstanceTypeOffering{InstanceType: new(o.kind), Location: new(o.place), LocationType: new(o.where)}
	})}, nil
}
