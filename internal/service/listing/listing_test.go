package listing

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/world"
)

type row struct {
	id, state string
	tags      []world.Tag
}

func filters() Filters[row] {
	return Filters[row]{
		Fields: map[string]func(row) []string{
			"id":    func(r row) []string { return []string{r.id} },
			"state": func(r row) []string { return []string{r.state} },
		},
		Tags: func(r row) []world.Tag { return r.tags },
	}
}

func filter(name string, values ...string) ec2api.Filter {
	return ec2api.Filter{Name: &name, Values: values}
}

func TestSelect(t *testing.T) {
	rows := []row{
		{"vpc-1", "available", []world.Tag{{Key: "Name", Value: "a*b"}, {Key: "env", Value: "prod"}}},
		{"vpc-2", "pending", []world.Tag{{Key: "Name", Value: "axb"}}},
		{"vpc-3", "available", nil},
	}
	for _, tt := range []struct {
		name    string
		filters []ec2api.Filter
		want    string // ids, or the error
	}{
		{"none", nil, "vpc-1 vpc-2 vpc-3"},
		{"or within", []ec2api.Filter{filter("id", "vpc-1", "vpc-3")}, "vpc-1 vpc-3"},
		{"and between", []ec2api.Filter{filter("id", "vpc-*"), filter("state", "pend???")}, "vpc-2"},
		{"tag", []ec2api.Filter{filter("tag:Name", "a?b")}, "vpc-1 vpc-2"},
		{"tag, literal star", []ec2api.Filter{filter("tag:Name", `a\*b`)}, "vpc-1"},
		{"tag-key", []ec2api.Filter{filter("tag-key", "env")}, "vpc-1"},
		{"tag-value", []ec2api.Filter{filter("tag-value", "prod", "axb")}, "vpc-1 vpc-2"},
		{"case matters", []ec2api.Filter{filter("state", "Available")}, ""},
		{"unknown", []ec2api.Filter{filter("color", "red")}, "InvalidParameterValue: The filter 'color' is invalid"},
		{"nameless", []ec2api.Filter{{Values: []string{"x"}}}, "InvalidParameterValue: The filter 'null' is invalid"},
		{"valueless", []ec2api.Filter{filter("id")}, "InvalidParameterValue: The filter 'id' has no value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := filters().Select(rows, tt.filters)
			var ids []string
			for _, r := range got {
				ids = append(ids, r.id)
			}
			text := strings.Join(ids, " ")
			if err != nil {
				text = err.Error()
			}
			if text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

func TestTold(t *testing.T) {
	type part struct{ Value *string }
	type answer struct {
		HTTPState *bool
		Parts     []part
		At        *part
	}
	got := Told(func(n int) answer {
		if n == 0 {
			return answer{}
		}
		return answer{HTTPState: new(true), Parts: []part{{new("a")}, {}, {new("b")}}, At: &part{new("c")}}
	}, "http-state", "part.value", "at.value")
	for name, want := range map[string]string{"http-state": "[true]", "part.value": "[a b]", "at.value": "[c]"} {
		if text := fmt.Sprint(got[name](1)); text != want || len(got[name](0)) > 0 {
			t.Errorf("%s: %s and %v, want %s and nothing", name, text, got[name](0), want)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"*", "", true}, {"?", "", false}, {"a*", "abc", true}, {"*c", "abc", true}, {"a*b*c", "axxbyyc", true},
		{"a*b*c", "axxbyy", false}, {`\?`, "?", true}, {`\?`, "x", false}, {`\\`, `\`, true}, {`\*a`, "xa", false}, {"é?", "éü", true},
		{`a\`, `a\`, true}, {strings.Repeat("a*", 50) + "b", strings.Repeat("a", 200), false},
	} {
		if got := Match(tt.pattern, tt.s); got != tt.want {
			t.Errorf("Match(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
}

func TestPage(t *testing.T) {
	var items []string
	for i := range 12 {
		items = append(items, fmt.Sprintf("vpc-%02d", 11-i))
	}
	self := func(s string) string { return s }
	var seen []string
	var token *string
	for {
		page, next, err := Page(EC2(5, 1000), items, self, new(int32(5)), token)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, page...)
		items = slices.DeleteFunc(items, func(s string) bool { return s == page[0] }) // no later page may mind
		if token = next; token == nil {
			break
		}
	}
	if len(seen) != 12 || !slices.IsSorted(seen) {
		t.Errorf("pages gave %v", seen)
	}
	for _, bad := range []string{"x", "AAAA", "!!", "AAAAAAAA"} {
		if _, _, err := Page(EC2(5, 1000), items, self, nil, &bad); err == nil || !strings.HasPrefix(err.Error(), "InvalidNextToken") {
			t.Errorf("token %q: %v", bad, err)
		}
	}
	for _, size := range []int32{0, 4, 1001, -1} {
		if _, _, err := Page(EC2(5, 1000), items, self, &size, nil); err == nil || !strings.HasPrefix(err.Error(), "InvalidParameterValue: Value ( ") {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

// TestWalkIsPage: whatever the size, walking page by page gives what cutting pages out of the whole list gives.
func TestWalkIsPage(t *testing.T) {
	var all, even []string
	for i := range 100 {
		id := fmt.Sprintf("i-%03d", i)
		all = append(all, id)
		if i%2 == 0 {
			even = append(even, id)
		}
	}
	itself := func(s string) string { return s }
	from := func(string) iter.Seq[string] { return slices.Values(all) }
	isEven := func(s string) bool { return slices.Contains(even, s) }
	for _, size := range []int32{5, 7, 25, 50, 1000} {
		var walk, page *string
		for n := range 20 {
			got, next, err := Walk(Walker[string]{Pager: EC2(5, 1000), From: from, Match: isEven, Key: itself}, &size, walk)
			want, token, wrong := Page(EC2(5, 1000), even, itself, &size, page)
			if err != nil || wrong != nil || !slices.Equal(got, want) || (next == nil) != (token == nil) || next != nil && *next != *token {
				t.Fatalf("size %d, page %d: %v %v %v, want %v %v", size, n, got, next, err, want, token)
			}
			if walk, page = next, token; next == nil {
				break
			}
		}
	}
}
