package account

import (
	"crypto/rand"
	"crypto/sha512"
	"fmt"
	"strconv"
	"strings"
)

// Parameters of SHA-512 crypt. (U. Drepper, "Unix crypt using SHA-256 and SHA-512".)
const (
	cryptID       = "$6$"
	roundsName    = "rounds="
	defaultRounds = 5000
	minRounds     = 1000
	maxRounds     = 999_999_999
	maxSalt       = 16
	cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// salt is what a hash starts with: its salt and its number of rounds.
type salt struct {
	text     string
	rounds   int
	explicit bool // the hash names the rounds
}

// Hash makes a SHA-512 crypt hash of the password with a random salt.
func Hash(password string) string {
	raw := make([]byte, maxSalt)
	rand.Read(raw) // never fails, see crypto/rand
	for i, b := range raw {
		raw[i] = cryptAlphabet[b%64]
	}
	return crypt(password, salt{text: string(raw), rounds: defaultRounds})
}

// saltOf takes the salt from a hash.
func saltOf(hash string) (salt, bool) {
	rest, ok := strings.CutPrefix(hash, cryptID)
	if !ok {
		return salt{}, false
	}
	s := salt{rounds: defaultRounds}
	if r, ok := strings.CutPrefix(rest, roundsName); ok {
		digits, after, ok := strings.Cut(r, "$")
		n, err := strconv.Atoi(digits)
		if !ok || err != nil {
			return salt{}, false
		}
		s.rounds, s.explicit, rest = min(max(n, minRounds), maxRounds), true, after
	}
	s.text, _, ok = strings.Cut(rest, "$")
	s.text = s.text[:min(len(s.text), maxSalt)]
	return s, ok
}

// crypt hashes the password as the description of SHA-512 crypt has it; the
// step numbers are those of its chapter "Algorithm".
func crypt(password string, s salt) string {
	pw, sa := []byte(password), []byte(s.text)
	b := sha512.New() // steps 4 to 8
	b.Write(pw)
	b.Write(sa)
	b.Write(pw)
	sumB := b.Sum(nil)
	a := sha512.New() // steps 1 to 3, 9 to 12
	a.Write(pw)
	a.Write(sa)
	a.Write(repeat(sumB, len(pw)))
	for n := len(pw); n > 0; n >>= 1 {
		if n&1 != 0 {
			a.Write(sumB)
		} else {
			a.Write(pw)
		}
	}
	sum := a.Sum(nil)
	dp := sha512.New() // steps 13 to 16
	for range pw {
		dp.Write(pw)
	}
	p := repeat(dp.Sum(nil), len(pw))
	ds := sha512.New() // steps 17 to 20
	for range 16 + int(sum[0]) {
		ds.Write(sa)
	}
	sp := repeat(ds.Sum(nil), len(sa))
	c := sha512.New()
	for i := range s.rounds { // step 21
		c.Reset()
		pick := func(odd bool, yes, no []byte) {
			if odd {
				c.Write(yes)
			} else {
				c.Write(no)
			}
		}
		pick(i%2 != 0, p, sum)
		if i%3 != 0 {
			c.Write(sp)
		}
		if i%7 != 0 {
			c.Write(p)
		}
		pick(i%2 != 0, sum, p)
		sum = c.Sum(sum[:0])
	}
	named := ""
	if s.explicit {
		named = fmt.Sprintf("%s%d$", roundsName, s.rounds)
	}
	return cryptID + named + s.text + "$" + encode(sum)
}

// repeat is the bytes over and over, n of them.
func repeat(b []byte, n int) []byte {
	out := make([]byte, n)
	for i := 0; i < n; i += copy(out[i:], b) {
	}
	return out
}

// encode writes the sum in the order of step 22e.
func encode(sum []byte) string {
	var out strings.Builder
	put := func(v uint, n int) {
		for range n {
			out.WriteByte(cryptAlphabet[v&63])
			v >>= 6
		}
	}
	x, y, z := 0, 21, 42
	for range 21 {
		put(uint(sum[x])<<16|uint(sum[y])<<8|uint(sum[z]), 4)
		x, y, z = y+1, z+1, x+1
	}
	put(uint(sum[63]), 2)
	return out.String()
}
