// This file lets the compiler accept the functions without body in fork.go,
// which are linked to those of the runtime.
