package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kumiko/internal/session/ssm/frame"
)

// maxOutput is how much of a command's output is told. (AWS Systems Manager API Reference, GetCommandInvocation.)
const maxOutput = 24_000

// job is a command to run. (amazon-ssm-agent, agent/messageservice/contracts.)
type job struct {
	Parameters      map[string]any
	DocumentContent struct {
		SchemaVersion string `json:"schemaVersion"`
		MainSteps     []struct {
			Action string         `json:"action"`
			Name   string         `json:"name"`
			Inputs map[string]any `json:"inputs"`
		} `json:"mainSteps"`
	}
	CommandID    string `json:"CommandId"`
	DocumentName string
}

// stepResult is what came of one step.
type stepResult struct {
	Status         string `json:"status"`
	Code           int    `json:"code"`
	Name           string `json:"name"`
	Output         string `json:"output"`
	StandardOutput string `json:"standardOutput"`
	StandardError  string `json:"standardError"`
	Start          string `json:"startDateTime"`
	End            string `json:"endDateTime"`
	StepName       string `json:"stepName"`
}

// jobReply is what the agent says of a job when it is done.
type jobReply struct {
	DocumentStatus string                `json:"documentStatus"`
	RuntimeStatus  map[string]stepResult `json:"runtimeStatus"`
}

// startJob acknowledges a job and runs it.
func (a *agent) startJob(m frame.Message) error {
	var r frame.JobRequest
	if err := json.Unmarshal(m.Payload, &r); err != nil {
		return fmt.Errorf("agent: job: %w", err)
	}
	if strings.HasPrefix(r.Topic, "aws.ssm.cancelCommand") {
		a.endJob(r.JobID)
		return nil
	}
	var j job
	if err := json.Unmarshal([]byte(r.Content), &j); err != nil {
		return fmt.Errorf("agent: job: %w", err)
	}
	ack := frame.JobAnswer{JobID: r.JobID, AcknowledgedMessageID: m.ID.String(), CreatedDate: stamp(time.Now()), StatusCode: "200"}
	_ = a.control.Send(frame.New(frame.JobAck, frame.NoPayload, frame.Encode(ack), time.Now(), frame.NewID()).Append(nil)) // the answer is what counts
	ctx, cancel := context.WithCancel(context.Background())
	a.mu.Lock()
	a.jobs[r.JobID] = cancel
	a.mu.Unlock()
	a.running.Go(func() {
		defer a.endJob(r.JobID)
		reply := j.run(ctx)
		answer := frame.JobAnswer{SchemaVersion: 1, JobID: r.JobID, Content: string(frame.Encode(reply)), Topic: "aws.ssm.sendCommand"}
		if err := a.control.Send(frame.New(frame.JobReply, frame.NoPayload, frame.Encode(answer), time.Now(), frame.NewID()).Append(nil)); err != nil {
			a.log.error("MessageGatewayService", "the answer to job %s could not be sent: %v", r.JobID, err)
		}
	})
	return nil
}

// endJob ends a job that runs.
func (a *agent) endJob(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if end := a.jobs[id]; end != nil {
		end()
		delete(a.jobs, id)
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// run runs the steps until one fails.
func (j job) run(ctx context.Context) jobReply {
	reply := jobReply{DocumentStatus: "Success", RuntimeStatus: map[string]stepResult{}}
	values := map[string]string{}
	for name, v := range j.Parameters {
		values[name] = lines(v)
	}
	for _, s := range j.DocumentContent.MainSteps {
		in, _ := replace(any(s.Inputs), values).(map[string]any)
		r := stepResult{Name: s.Action, StepName: s.Name, Start: stamp(time.Now())}
		if s.Action == "aws:runShellScript" {
			runScript(ctx, in, &r)
		} else {
			r.Status, r.Code, r.StandardError = "Failed", 1, "Step action "+s.Action+" is not known here."
		}
		r.End, r.Output = stamp(time.Now()), r.StandardOutput
		if r.StandardError != "" {
			r.Output += "\n----------ERROR-------\n" + r.StandardError
		}
		name := s.Name
		if name == "" {
			name = s.Action
		}
		reply.RuntimeStatus[name] = r
		if r.Status != "Success" {
			reply.DocumentStatus = r.Status
			break
		}
	}
	return reply
}

// lines is a parameter's value, a list of lines as one text.
func lines(v any) string {
	if list, ok := v.([]any); ok {
		parts := make([]string, len(list))
		for i, p := range list {
			parts[i] = text(p)
		}
		return strings.Join(parts, "\n")
	}
	return text(v)
}

// runScript runs a script as root.
func runScript(ctx context.Context, in map[string]any, r *stepResult) {
	seconds, err := strconv.Atoi(text(in["timeoutSeconds"]))
	if err != nil || seconds <= 0 {
		seconds = 3600
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
	defer cancel()
	f, err := os.CreateTemp("", "script-*.sh")
	if err != nil {
		r.Status, r.Code, r.StandardError = "Failed", 1, err.Error()
		return
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(lines(in["runCommand"]) + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		r.Status, r.Code, r.StandardError = "Failed", 1, err.Error()
		return
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", f.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // what the script left running may hold its output
	if dir, ok := in["workingDirectory"].(string); ok && dir != "" {
		cmd.Dir = dir
	}
	var out, failed bounded
	cmd.Stdout, cmd.Stderr = &out, &failed
	err = cmd.Run()
	r.StandardOutput, r.StandardError = out.String(), failed.String()
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		r.Status = "Success"
	case errors.Is(ctx.Err(), context.Canceled):
		r.Status, r.Code = "Cancelled", -1
	case ctx.Err() != nil:
		r.Status, r.Code = "TimedOut", -1
	case cmd.ProcessState != nil:
		r.Status, r.Code = "Failed", cmd.ProcessState.ExitCode()
		r.StandardError += fmt.Sprintf("failed to run commands: exit status %d", r.Code)
	default:
		r.Status, r.Code, r.StandardError = "Failed", 1, err.Error()
	}
}

// bounded keeps the beginning of what is written to it.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if rest := maxOutput - b.Len(); rest > 0 {
		b.Buffer.Write(p[:min(len(p), rest)])
	}
	return len(p), nil
}
