package client

import (
	"encoding/json"
	"fmt"

	"kumiko/internal/session/ssm/frame"
)

// shakeHands does what the agent asks for, and answers.
func (c *client) shakeHands(payload []byte) error {
	var request frame.Handshake
	if err := json.Unmarshal(payload, &request); err != nil {
		return fmt.Errorf("client: handshake: %w", err)
	}
	c.agent = request.AgentVersion
	answer := frame.HandshakeAnswer{ClientVersion: Version}
	for _, a := range request.RequestedClientActions {
		r := frame.ActionResult{ActionType: a.ActionType, ActionStatus: frame.ActionSuccess, ActionResult: json.RawMessage("null")}
		switch a.ActionType {
		case frame.ActionSessionType:
			if err := json.Unmarshal(a.ActionParameters, &c.session); err != nil {
				r.ActionStatus, r.Error = frame.ActionFailed, err.Error()
			}
		default:
			r.ActionStatus, r.Error = frame.ActionUnsupported, "Unsupported action "+a.ActionType
			answer.Errors = append(answer.Errors, r.Error)
		}
		answer.ProcessedClientActions = append(answer.ProcessedClientActions, r)
	}
	return c.stream.Write(frame.HandshakeResponse, frame.Encode(answer))
}
