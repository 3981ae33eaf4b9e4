package ec2

import (
	"context"
	"crypto/ed25519"
	"crypto/md5" // #nosec: the fingerprint AWS gives imported RSA keys
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // #nosec: the fingerprint AWS gives created RSA keys
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// rsaBits is the size of the RSA keys that CreateKeyPair makes. (Amazon EC2 User Guide, "Amazon EC2 key pairs".)
const rsaBits = 2048

// newKey is a key pair just made. The private key is told once and kept nowhere.
type newKey struct {
	public      ssh.PublicKey
	private     any // *rsa.PrivateKey or ed25519.PrivateKey
	fingerprint string
}

// makeKey makes a key. The fingerprint of an RSA key is the SHA-1 of the private key's PKCS #8 form; that of an
// ed25519 key the SHA-256 of the public one. (Amazon EC2 User Guide, "Verify the fingerprint of your key pair".)
func makeKey(kind string) (newKey, error) {
	var k newKey
	var public any
	switch kind {
	case "ed25519":
		pub, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return k, fmt.Errorf("ec2: make key: %w", err)
		}
		k.private, public = key, pub
	default:
		key, err := rsa.GenerateKey(rand.Reader, rsaBits)
		if err != nil {
			return k, fmt.Errorf("ec2: make key: %w", err)
		}
		k.private, public = key, key.Public()
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return k, fmt.Errorf("ec2: fingerprint key: %w", err)
		}
		sum := sha1.Sum(der) // #nosec
		k.fingerprint = colons(sum[:])
	}
	var err error
	if k.public, err = ssh.NewPublicKey(public); err != nil {
		return k, fmt.Errorf("ec2: make key: %w", err)
	}
	if k.fingerprint == "" {
		k.fingerprint = sshFingerprint(k.public)
	}
	return k, nil
}

// pem is the private key in the form OpenSSH reads.
func (k newKey) pem(name string) (string, error) {
	if key, ok := k.private.(*rsa.PrivateKey); ok {
		return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})), nil
	}
	b, err := ssh.MarshalPrivateKey(k.private, name)
	if err != nil {
		return "", fmt.Errorf("ec2: write key: %w", err)
	}
	return string(pem.EncodeToMemory(b)), nil
}

func colons(b []byte) string {
	s := make([]string, len(b))
	for i := range b {
		s[i] = hex.EncodeToString(b[i : i+1])
	}
	return strings.Join(s, ":")
}

func sshFingerprint(k ssh.PublicKey) string {
	sum := sha256.Sum256(k.Marshal())
	return base64.StdEncoding.EncodeToString(sum[:])
}

// authorized is the public key as a line of an authorized_keys file.
func authorized(k ssh.PublicKey, name string) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) + " " + name
}

// CreateKeyPair makes a key pair and answers its private key.
func (s *Service) CreateKeyPair(ctx context.Context, c world.Caller, in *ec2api.CreateKeyPairInput) (*ec2api.CreateKeyPairOutput, error) {
	given, err := checkKeyRequest(in.KeyName, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	kind, format := val(in.KeyType), val(in.KeyFormat)
	switch {
	case kind == "":
		kind = "rsa"
	case kind != "rsa" && kind != "ed25519":
		return nil, awserr.EC2InvalidParameter("keyType", kind, "Expecting rsa or ed25519.")
	}
	if format != "" && format != "pem" && format != "ppk" {
		return nil, awserr.EC2InvalidParameter("keyFormat", format, "Expecting pem or ppk.")
	}
	if err := keyNameFree(new(s.store.World()), c, *in.KeyName); err != nil {
		return nil, err
	}
	k, err := makeKey(kind)
	if err != nil {
		return nil, err
	}
	material, err := k.pem(*in.KeyName)
	if format == "ppk" {
		material, err = k.ppk(*in.KeyName)
	}
	if err != nil {
		return nil, err
	}
	r := world.KeyPair{Name: *in.KeyName, Type: kind, PublicKey: authorized(k.public, *in.KeyName), Fingerprint: k.fingerprint}
	if r, err = s.putKey(ctx, c, r, given, in.DryRun); err != nil {
		return nil, err
	}
	return &ec2api.CreateKeyPairOutput{
		KeyPairId: new(string(r.ID)), KeyName: in.KeyName, KeyFingerprint: new(r.Fingerprint), KeyMaterial: new(material), Tags: tags(r.Meta),
	}, nil
}

func checkKeyRequest(name *string, specs []ec2api.TagSpecification) ([]world.Tag, error) {
	if err := need("KeyName", name); err != nil {
		return nil, err
	}
	if len(*name) > 255 || strings.Trim(*name, " ") == "" || strings.ContainsFunc(*name, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, awserr.EC2InvalidParameter("keyName", *name, "Names have up to 255 ASCII characters.")
	}
	return oneSpec(specs, "key-pair")
}

func keyNameFree(w *world.World, c world.Caller, name string) error {
	if _, ok := w.KeyPairNamed(c, name); ok {
		return &world.Error{Kind: world.Conflict, Noun: "key-pair", ID: name}
	}
	return nil
}

func (s *Service) putKey(ctx context.Context, c world.Caller, r world.KeyPair, given []world.Tag, dry *bool) (world.KeyPair, error) {
	_, err := s.update(ctx, c, dry, func(tx *world.Tx) error {
		if err := keyNameFree(&tx.World, c, r.Name); err != nil {
			return err
		}
		if atLimit(&tx.KeyPairs, c, maxKeyPairs) {
			return awserr.EC2Limit("KeyPairLimitExceeded", "The maximum number of key pairs has been reached.")
		}
		r.ID, r.Meta = world.KeyPairID(tx.NewID("key")), tx.NewMeta(c, given)
		tx.KeyPairs.Put(r)
		return nil
	})
	return r, err
}

// ImportKeyPair keeps a public key of the caller's.
func (s *Service) ImportKeyPair(ctx context.Context, c world.Caller, in *ec2api.ImportKeyPairInput) (*ec2api.ImportKeyPairOutput, error) {
	given, err := checkKeyRequest(in.KeyName, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(in.PublicKeyMaterial)
	if err != nil {
		return nil, badKey()
	}
	r := world.KeyPair{Name: *in.KeyName, PublicKey: authorized(key, *in.KeyName)}
	switch k := key.(ssh.CryptoPublicKey).CryptoPublicKey().(type) {
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(k)
		if n := k.N.BitLen(); err != nil || n != 1024 && n != 2048 && n != 4096 {
			return nil, badKey()
		}
		sum := md5.Sum(der) // #nosec
		r.Type, r.Fingerprint = "rsa", colons(sum[:])
	case ed25519.PublicKey:
		r.Type, r.Fingerprint = "ed25519", sshFingerprint(key)
	default:
		return nil, badKey()
	}
	if r, err = s.putKey(ctx, c, r, given, in.DryRun); err != nil {
		return nil, err
	}
	return &ec2api.ImportKeyPairOutput{KeyPairId: new(string(r.ID)), KeyName: in.KeyName, KeyFingerprint: new(r.Fingerprint), Tags: tags(r.Meta)}, nil
}

func badKey() error {
	return awserr.EC2Code("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
}

// DescribeKeyPairs lists the caller's key pairs.
func (s *Service) DescribeKeyPairs(_ context.Context, c world.Caller, in *ec2api.DescribeKeyPairsInput) (*ec2api.DescribeKeyPairsOutput, error) {
	v := s.look(c)
	rows := mine(&v.w.KeyPairs, c)
	if len(in.KeyNames) > 0 {
		var named []world.KeyPair
		for _, name := range in.KeyNames {
			k, err := keyNamed(&v.w, c, name)
			if err != nil {
				return nil, err
			}
			named = append(named, k)
		}
		rows = named
	}
	filters := listing.Filters[world.KeyPair]{
		Tags: ownTags(func(k world.KeyPair) world.Meta { return k.Meta }),
		Fields: map[string]func(world.KeyPair) []string{
			"key-pair-id": one(func(k world.KeyPair) world.KeyPairID { return k.ID }),
			"key-name":    one(func(k world.KeyPair) string { return k.Name }),
			"fingerprint": one(func(k world.KeyPair) string { return k.Fingerprint }),
		},
	}
	page, _, err := list(query{noun: "key-pair-id", ids: in.KeyPairIds, filters: in.Filters, dry: in.DryRun}, rows, filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeKeyPairsOutput{KeyPairs: each(page, func(k world.KeyPair) ec2api.KeyPairInfo {
		out := ec2api.KeyPairInfo{
			KeyPairId: new(string(k.ID)), KeyName: new(k.Name), KeyType: new(k.Type), KeyFingerprint: new(k.Fingerprint),
			CreateTime: new(k.Created), Tags: allTags(k.Meta),
		}
		if val(in.IncludePublicKey) {
			out.PublicKey = new(k.PublicKey)
		}
		return out
	})}, nil
}

func keyNamed(w *world.World, c world.Caller, name string) (world.KeyPair, error) {
	if k, ok := w.KeyPairNamed(c, name); ok {
		return k, nil
	}
	return world.KeyPair{}, awserr.EC2NotFound("key-pair", name)
}

// DeleteKeyPair forgets a public key. That there is none is no error.
func (s *Service) DeleteKeyPair(ctx context.Context, c world.Caller, in *ec2api.DeleteKeyPairInput) (*ec2api.DeleteKeyPairOutput, error) {
	id := val(in.KeyPairId)
	if id == "" && val(in.KeyName) == "" {
		return nil, awserr.EC2Code("MissingParameter", "The request must contain the parameter KeyName or KeyPairId")
	}
	if id != "" {
		if err := awserr.EC2CheckID("key-pair-id", id); err != nil {
			return nil, err
		}
		if set(in.KeyName) {
			return nil, awserr.EC2Combination("The parameters 'keyName' and 'keyPairId' may not be used in combination")
		}
	}
	out := &ec2api.DeleteKeyPairOutput{Return: new(true)}
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		for _, k := range mine(&tx.KeyPairs, c) {
			if string(k.ID) == id || id == "" && k.Name == *in.KeyName {
				tx.KeyPairs.Delete(k.ID)
				out.KeyPairId = new(string(k.ID))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
