package scenario

import (
	"testing"

	"kumiko/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m, "../..") }
