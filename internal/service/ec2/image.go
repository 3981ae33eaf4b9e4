package ec2

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// image is a public image instances can be started from. All of them start the same userland; what differs is what
// clients of EC2 see and who the default user is.
type image struct {
	id      string
	name    string
	text    string
	owner   string // account id
	alias   string // amazon, or empty
	arch    string // x86_64 or arm64
	user    string // default user
	root    string // root device
	disk    string // type of the root volume
	size    int    // of the root volume, GiB
	imdsV2  bool   // ImdsSupport v2.0: instances want tokens
	created time.Time
}

// RowID is the image's id.
func (i image) RowID() string { return i.id }

// images are the images of a region, sorted by id. Ids are made of region and name, so they are the same in every
// state folder; but one that is well known has its own.
func images(region string) []image {
	const amazon, canonical, debian = "137112412989", "099720109477", "136693071363"
	al2023, al2 := "Amazon Linux 2023 AMI 2023.7.20250609.0 ", "Amazon Linux 2 AMI 2.0.20250610.0 "
	june := time.Date(2025, 6, 9, 20, 15, 3, 0, time.UTC)
	out := []image{
		{name: "al2023-ami-2023.7.20250609.0-kernel-6.1-x86_64", text: al2023 + "x86_64 HVM kernel-6.1", owner: amazon, alias: "amazon",
			arch: "x86_64", user: "ec2-user", root: "/dev/xvda", disk: "gp3", size: 8, imdsV2: true, created: june},
		{name: "al2023-ami-2023.7.20250609.0-kernel-6.1-arm64", text: al2023 + "arm64 HVM kernel-6.1", owner: amazon, alias: "amazon",
			arch: "arm64", user: "ec2-user", root: "/dev/xvda", disk: "gp3", size: 8, imdsV2: true, created: june},
		{name: "amzn2-ami-hvm-2.0.20250610.0-x86_64-gp2", text: al2 + "x86_64 HVM gp2", owner: amazon, alias: "amazon",
			arch: "x86_64", user: "ec2-user", root: "/dev/xvda", disk: "gp2", size: 8, created: june},
		{name: "amzn2-ami-hvm-2.0.20250610.0-arm64-gp2", text: al2 + "arm64 HVM gp2", owner: amazon, alias: "amazon",
			arch: "arm64", user: "ec2-user", root: "/dev/xvda", disk: "gp2", size: 8, created: june},
	}
	for release, day := range map[string]string{"jammy-22.04": "20250516", "noble-24.04": "20250610"} {
		folder := "ubuntu/images/hvm-ssd-gp3/ubuntu-"
		if release == "jammy-22.04" {
			folder = "ubuntu/images/hvm-ssd/ubuntu-"
		}
		for arch, word := range map[string]string{"x86_64": "amd64", "arm64": "arm64"} {
			out = append(out, image{name: folder + release + "-" + word + "-server-" + day, owner: canonical, arch: arch, user: "ubuntu",
				text: "Canonical, Ubuntu, " + release[6:] + ", " + word + " " + release[:5] + " image", root: "/dev/sda1", disk: "gp3", size: 8, created: june})
		}
	}
	for arch, word := range map[string]string{"x86_64": "amd64", "arm64": "arm64"} {
		out = append(out, image{name: "debian-12-" + word + "-20250601-2130", text: "Debian 12 (20250601-2130)", owner: debian, arch: arch,
			user: "admin", root: "/dev/xvda", disk: "gp3", size: 8, created: june})
	}
	for i := range out {
		out[i].id = imageID(region, out[i].name)
	}
	if region == "ap-northeast-1" {
		out[0].id = "ami-0f9816f78187c68fb"
	}
	slices.SortFunc(out, func(a, b image) int { return strings.Compare(a.id, b.id) })
	return out
}

// ImageParameters are the ids of a region's images by the names of the public parameters that tell them. (AWS Systems
// Manager User Guide, "Calling AMI public parameters".)
func ImageParameters(region string) map[string]string {
	out := map[string]string{}
	for _, i := range images(region) {
		word := map[string]string{"x86_64": "amd64", "arm64": "arm64"}[i.arch]
		switch {
		case strings.HasPrefix(i.name, "al2023-ami-2023"):
			for _, kernel := range []string{"default", "6.1"} {
				out["/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-"+kernel+"-"+i.arch] = i.id
			}
		case strings.HasPrefix(i.name, "amzn2-"):
			out["/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-"+i.arch+"-gp2"] = i.id
		case strings.Contains(i.name, "jammy-22.04"):
			out["/aws/service/canonical/ubuntu/server/22.04/stable/current/"+word+"/hvm/ebs-gp2/ami-id"] = i.id
		case strings.Contains(i.name, "noble-24.04"):
			out["/aws/service/canonical/ubuntu/server/24.04/stable/current/"+word+"/hvm/ebs-gp3/ami-id"] = i.id
		case strings.HasPrefix(i.name, "debian-12"):
			out["/aws/service/debian/release/12/latest/"+word] = i.id
		}
	}
	return out
}

func imageID(region, name string) string {
	sum := sha256.Sum256([]byte(region + "/" + name))
	return "ami-0" + hex.EncodeToString(sum[:])[:16]
}

// findImage is the image with the given id. An id no image has stands for the default image, Amazon Linux 2023, unless
// strict is set.
func findImage(region string, id *string, strict bool) (image, error) {
	if err := need("ImageId", id); err != nil {
		return image{}, err
	}
	if err := awserr.EC2CheckID("image", *id); err != nil {
		return image{}, err
	}
	all := images(region)
	for _, i := range all {
		if i.id == *id {
			return i, nil
		}
	}
	if strict {
		return image{}, awserr.EC2NotFound("image", *id)
	}
	return defaultImage(all, *id), nil
}

// imageOf is the image of an instance of the caller's that has been started from id.
func (v *view) imageOf(id string) image {
	if v.images == nil {
		v.images = images(v.c.Region)
	}
	if n, ok := slices.BinarySearchFunc(v.images, id, func(i image, id string) int { return strings.Compare(i.id, id) }); ok {
		return v.images[n]
	}
	return defaultImage(v.images, id)
}

// defaultImage stands for the image with an id that no image has.
func defaultImage(all []image, id string) image {
	i := all[slices.IndexFunc(all, func(i image) bool { return strings.HasPrefix(i.name, "al2023-") && i.arch == "x86_64" })]
	i.id, i.arch = id, ""
	return i
}

// architecture is that of an instance of the image with the given type.
func (i image) architecture(t instanceType) string {
	if i.arch != "" {
		return i.arch
	}
	return t.arch
}

func (i image) describe() ec2api.Image {
	out := ec2api.Image{
		ImageId: new(i.id), Name: new(i.name), Description: new(i.text), OwnerId: new(i.owner), Public: new(true), State: new("available"),
		ImageLocation: new(i.owner + "/" + i.name), ImageType: new("machine"), Architecture: new(i.arch), CreationDate: new(ec2Time(i.created)),
		Hypervisor: new("xen"), VirtualizationType: new("hvm"), RootDeviceName: new(i.root), RootDeviceType: new("ebs"), EnaSupport: new(true),
		SriovNetSupport: new("simple"), PlatformDetails: new("Linux/UNIX"), UsageOperation: new("RunInstances"), ImageAllowed: new(true),
		DeprecationTime: new(ec2Time(i.created.AddDate(2, 0, 0))), BootMode: new("uefi-preferred"), DeregistrationProtection: new("disabled"),
		BlockDeviceMappings: []ec2api.BlockDeviceMapping{{DeviceName: new(i.root), Ebs: &ec2api.EbsBlockDevice{
			DeleteOnTermination: new(true), SnapshotId: new(snapshotOf(i.id)), VolumeSize: new(int32(i.size)), VolumeType: new(i.disk), Encrypted: new(false),
		}}},
	}
	if i.alias != "" {
		out.ImageOwnerAlias = new(i.alias)
	}
	if i.imdsV2 {
		out.ImdsSupport = new("v2.0")
	}
	return out
}

// snapshotOf is the id of the snapshot an image's root volume is made of.
func snapshotOf(image string) string { return "snap-" + strings.TrimPrefix(image, "ami-") }

// ec2Time is a time as EC2 writes it in strings.
func ec2Time(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// DescribeImages lists the public images of the region; accounts own none.
func (s *Service) DescribeImages(_ context.Context, c world.Caller, in *ec2api.DescribeImagesInput) (*ec2api.DescribeImagesOutput, error) {
	rows := images(c.Region)
	if len(in.Owners) > 0 {
		rows = slices.DeleteFunc(rows, func(i image) bool {
			return !slices.Contains(in.Owners, i.owner) && (i.alias == "" || !slices.Contains(in.Owners, i.alias))
		})
	}
	if len(in.ExecutableUsers) > 0 && !slices.Contains(in.ExecutableUsers, "all") {
		rows = nil
	}
	page, next, err := list(query{"image", in.ImageIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun}, rows, imageFilters(), listing.EC2(1, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeImagesOutput{Images: each(page, image.describe), NextToken: next}, nil
}

func imageFilters() listing.Filters[image] {
	is := func(s string) func(image) []string { return one(func(image) string { return s }) }
	f := map[string]func(image) []string{
		"image-id":                         one(func(i image) string { return i.id }),
		"name":                             one(func(i image) string { return i.name }),
		"description":                      one(func(i image) string { return i.text }),
		"architecture":                     one(func(i image) string { return i.arch }),
		"owner-id":                         one(func(i image) string { return i.owner }),
		"owner-alias":                      one(func(i image) string { return i.alias }),
		"creation-date":                    one(func(i image) string { return ec2Time(i.created) }),
		"manifest-location":                one(func(i image) string { return i.owner + "/" + i.name }),
		"root-device-name":                 one(func(i image) string { return i.root }),
		"block-device-mapping.volume-type": one(func(i image) string { return i.disk }),
		"block-device-mapping.device-name": one(func(i image) string { return i.root }),
		"block-device-mapping.snapshot-id": one(func(i image) string { return snapshotOf(i.id) }),
		"block-device-mapping.volume-size": is("8"),
		"block-device-mapping.delete-on-termination": is("true"),
		"block-device-mapping.encrypted":             is("false"),
		"state":                                      is("available"), "is-public": is("true"), "image-type": is("machine"),
		"hypervisor": is("xen"), "virtualization-type": is("hvm"), "root-device-type": is("ebs"), "ena-support": is("true"),
		"image-allowed": is("true"), "boot-mode": is("uefi-preferred"), "platform-details": is("Linux/UNIX"), "sriov-net-support": is("simple"),
		"imds-support": func(i image) []string {
			if i.imdsV2 {
				return []string{"v2.0"}
			}
			return nil
		},
	}
	for _, name := range []string{"platform", "product-code", "product-code.type", "kernel-id", "ramdisk-id",
		"source-image-id", "source-image-region", "source-instance-id", "free-tier-eligible", "state-reason-code", "state-reason-message", "tpm-support"} {
		f[name] = never[image]
	}
	return listing.Filters[image]{Fields: f, Tags: func(image) []world.Tag { return nil }}
}
