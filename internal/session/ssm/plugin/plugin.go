package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"kumiko/internal/api/sigv4"
	"kumiko/internal/session/ssm/client"
)

// Name is how the aws command calls the program.
const Name = "session-manager-plugin"

// answerVariable is where newer aws commands put what StartSession answered. (awscli/customizations/sessionmanager.py.)
const answerVariable = "AWS_SSM_START_SESSION_RESPONSE"

const installed = "\nThe Session Manager plugin was installed successfully. Use the AWS CLI to start a session.\n\n"

// Session is what StartSession answers.
type Session struct {
	ID    string `json:"SessionId"`
	Token string `json:"TokenValue"`
	URL   string `json:"StreamUrl"`
}

// Main plays the plugin with the arguments after its name: the session, the region, StartSession, the profile, the
// request, the address of the API. It returns the exit status.
func Main(args []string) int {
	switch {
	case len(args) == 0:
		fmt.Print(installed)
		return 0
	case len(args) == 1 && args[0] == "--version":
		fmt.Println(client.Version)
		return 0
	case len(args) < 4 || args[2] != "StartSession":
		fmt.Println("Invalid Operation")
		return 1
	}
	text := args[0]
	if text == answerVariable {
		text = os.Getenv(answerVariable)
	}
	var s Session
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		fmt.Fprintln(os.Stderr, "Cannot perform start session:", err)
		return 1
	}
	api := API{Region: args[1]}
	if len(args) > 5 {
		api.URL = args[5]
	}
	var err error
	if api.By, err = credential(args[3]); err != nil {
		api.Failed = err // it is needed only when something goes wrong
	}
	if err := Join(context.Background(), api, s); err != nil {
		fmt.Fprintln(os.Stderr, "Cannot perform start session:", err)
		return 1
	}
	return 0
}

// Join joins a session with this process's terminal, or standard input and output, until it is over.
func Join(ctx context.Context, a API, s Session) error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGQUIT, syscall.SIGTSTP)
	defer signal.Stop(signals)
	return client.Run(ctx, client.Options{
		ID: s.ID, URL: s.URL, Token: s.Token, In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Signals: signals,
		Resume: func(ctx context.Context) (string, error) {
			var out Session
			err := a.Call(ctx, "ResumeSession", map[string]string{"SessionId": s.ID}, &out)
			return out.Token, err
		},
		Terminate: func(ctx context.Context) error {
			return a.Call(ctx, "TerminateSession", map[string]string{"SessionId": s.ID}, nil)
		},
	})
}

// API is where Systems Manager answers, and who asks.
type API struct {
	URL    string
	Region string
	By     sigv4.Credential
	Failed error // why there is no credential
}

// callTime is how long a call may take.
const callTime = 20 * time.Second

// Refusal is an error of the API.
type Refusal struct{ Code, Message string }

// Error says it for people.
func (e *Refusal) Error() string { return e.Code + ": " + e.Message }

// Call does an operation of Systems Manager.
func (a API) Call(ctx context.Context, operation string, in, out any) error {
	if a.Failed != nil {
		return a.Failed
	}
	if a.URL == "" {
		return errors.New("the address of the API is not known")
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AmazonSSM."+operation)
	a.By.Sign(r, body, sigv4.Scope{Region: a.Region, Service: "ssm"}, time.Now())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var e struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		_ = json.Unmarshal(answer, &e) // what cannot be read is empty
		return &Refusal{e.Type, e.Message}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}
