package ssm

import (
	"encoding/json"
	"strings"

	"kumiko/internal/world"
)

// Answer is what an agent said about a command.
type Answer struct {
	Instance world.InstanceID
	Job      string // aws.ssm.COMMAND.INSTANCE
	Status   string // of its acknowledgement
	Reply    string // JSON, when it is done
}

// reply is what an agent says of a command when it is done. (amazon-ssm-agent, agent/messageservice/contracts.)
type reply struct {
	DocumentStatus string                `json:"documentStatus"`
	RuntimeStatus  map[string]stepResult `json:"runtimeStatus"`
}

// stepResult is what came of one step.
type stepResult struct {
	Status         string `json:"status"`
	Code           int    `json:"code"`
	Name           string `json:"name"`
	StandardOutput string `json:"standardOutput"`
	StandardError  string `json:"standardError"`
	Start          string `json:"startDateTime"`
	Output         string `json:"output"`
}

// Limits of what is kept of a command's output, in bytes. (AWS Systems Manager API Reference, GetCommandInvocation.)
const (
	maxOutput = 24_000
	maxError  = 8_000
)

// Answered writes down what an agent said about a command.
func (s *Service) Answered(a Answer) {
	command, ok := strings.CutPrefix(strings.TrimSuffix(a.Job, "."+string(a.Instance)), "aws.ssm.")
	if !ok {
		return
	}
	if a.Reply == "" {
		if a.Status != "" && a.Status != "200" {
			s.end(command, a.Instance, reply{DocumentStatus: failed})
		}
		return
	}
	var r reply
	if err := json.Unmarshal([]byte(a.Reply), &r); err != nil {
		r.DocumentStatus = failed
	}
	if r.DocumentStatus == inProgress { // it tells how far it is
		return
	}
	s.end(command, a.Instance, r)
}

// end writes down the end of an invocation.
func (s *Service) end(command string, i world.InstanceID, r reply) {
	now := s.Now()
	s.changeInvocation(command, i, func(v *world.Invocation) {
		v.Status, v.Ended = failed, now
		switch r.DocumentStatus {
		case succeeded, timedOut, cancelled:
			v.Status = r.DocumentStatus
		}
		if v.Begun.IsZero() {
			v.Begun = now
		}
		v.Detail = v.Status
		if v.Status == timedOut {
			v.Detail = "ExecutionTimedOut"
		}
		last := ""
		for name, step := range r.RuntimeStatus { // the last one that ran is told of
			if step.Start >= last {
				last, v.Plugin, v.Code = step.Start, name, step.Code
				v.Output, v.Error = cut(step.StandardOutput, maxOutput), cut(step.StandardError, maxError)
				if step.StandardOutput == "" && step.StandardError == "" {
					v.Output = cut(step.Output, maxOutput)
				}
			}
		}
	})
}

// cut is the beginning of a text.
func cut(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "")
	}
	return s
}
