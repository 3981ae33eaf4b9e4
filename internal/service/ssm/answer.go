package ssm

import "kumiko/internal/world"

// Answer is what an agent said about a command.
type Answer struct {
	Instance world.InstanceID
	Job      string // aws.ssm.COMMAND.INSTANCE
	Status   string // of its acknowledgement
	Reply    string // JSON, when it is done
}

// Answered writes down what an agent said about a command.
func (s *Service) Answered(Answer) {}
