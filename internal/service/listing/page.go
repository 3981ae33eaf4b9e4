package listing

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"iter"
	"net/http"
	"slices"
	"strings"

	"kumiko/internal/awserr"
)

// Pager holds what differs between the lists of services.
type Pager struct {
	Least, Most int                    // bounds of the size asked for
	Usual       int                    // size of a page when none was asked for; 0 is everything
	BadSize     func(size int32) error // the answer to a size outside of the bounds
	BadToken    func() error           // the answer to a token that no page gave out
}

// EC2 is the pager of EC2 operations whose MaxResults lies between least and most; without it they answer everything.
// (Amazon EC2 Developer Guide, "Pagination".)
func EC2(least, most int) Pager {
	return Pager{
		Least: least, Most: most,
		BadSize: func(size int32) error {
			bound, than := least, "greater"
			if int(size) > most {
				bound, than = most, "less"
			}
			return awserr.New("InvalidParameterValue", http.StatusBadRequest,
				"Value ( %d ) for parameter maxResults is invalid. Expecting a value %s than %d.", size, than, bound)
		},
		BadToken: func() error {
			return awserr.New("InvalidNextToken", http.StatusBadRequest, "The token is invalid.")
		},
	}
}

// Lattice is the pager of VPC Lattice: 1 to 100 a page. (VPC Lattice API Reference, maxResults.)
func Lattice() Pager {
	return Pager{
		Least: 1, Most: 100, Usual: 100,
		BadSize: func(size int32) error {
			return awserr.LatticeFields("Invalid maxResults", awserr.Field{Name: "maxResults", Message: "must be between 1 and 100"})
		},
		BadToken: func() error {
			return awserr.LatticeFields("Invalid nextToken", awserr.Field{Name: "nextToken", Message: "is invalid"})
		},
	}
}

// Logs is the pager of CloudWatch Logs operations with at most most items a page, which is also the usual size. (Amazon
// CloudWatch Logs API Reference.)
func Logs(most int) Pager {
	return Pager{
		Least: 1, Most: most, Usual: most,
		BadSize:  func(size int32) error { return awserr.LogsInvalid("The limit %d is not between 1 and %d.", size, most) },
		BadToken: func() error { return awserr.LogsInvalid("The specified nextToken is invalid.") },
	}
}

// Page cuts one page out of items. The key of an item is unique and gives the order of the list; items need not be sorted and are left as
// they are. The token is nil for the first page; the token returned is nil on the last one. Items made or deleted between two pages
// do not disturb the others.
func Page[T any](p Pager, items []T, key func(T) string, size *int32, token *string) ([]T, *string, error) {
	n, from, err := p.cut(size, token)
	if err != nil {
		return nil, nil, err
	}
	sorted, byKey := items, func(a, b T) int { return strings.Compare(key(a), key(b)) }
	if !slices.IsSortedFunc(sorted, byKey) {
		sorted = slices.SortedFunc(slices.Values(items), byKey)
	}
	if from != "" {
		i, _ := slices.BinarySearchFunc(sorted, from, func(item T, from string) int { return strings.Compare(key(item), from) })
		sorted = sorted[i:]
	}
	if n == 0 || len(sorted) <= n {
		return sorted, nil, nil
	}
	return sorted[:n:n], new(encode(key(sorted[n]))), nil
}

// Walk cuts one page out of the items that match. The function gives, in the order of their keys, those from a key on;
// no more of them are looked at than the page needs. For the rest it is as [Page].
func Walk[T any](w Walker[T], size *int32, token *string) ([]T, *string, error) {
	n, from, err := w.Pager.cut(size, token)
	if err != nil {
		return nil, nil, err
	}
	var out []T
	for item := range w.From(from) {
		if w.Key(item) < from || !w.Match(item) {
			continue
		}
		if n > 0 && len(out) == n {
			return out, new(encode(w.Key(item))), nil
		}
		out = append(out, item)
	}
	return out, nil, nil
}

// Walker is what Walk needs to know of a list.
type Walker[T any] struct {
	Pager Pager
	From  func(key string) iter.Seq[T] // the items from a key on, in order; some before it may be among them
	Match func(T) bool
	Key   func(T) string
}

// cut is the size of a page, 0 for everything, and the key it begins with.
func (p Pager) cut(size *int32, token *string) (n int, from string, err error) {
	n = p.Usual
	if size != nil {
		n = int(*size)
		if n < p.Least || n > p.Most {
			return 0, "", p.BadSize(*size)
		}
	}
	if token != nil && *token != "" {
		var ok bool
		if from, ok = decode(*token); !ok {
			return 0, "", p.BadToken()
		}
	}
	return n, from, nil
}

// encode makes a token of the key of the first item of the next page. A checksum tells garbage from tokens.
func encode(key string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(key)))
	return base64.StdEncoding.EncodeToString(append(sum, key...))
}

func decode(token string) (string, bool) {
	data, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(data) < 4 {
		return "", false
	}
	key := data[4:]
	return string(key), binary.BigEndian.Uint32(data) == crc32.ChecksumIEEE(key)
}
