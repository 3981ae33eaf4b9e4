package ssm

import "kumiko/internal/api/wire"

// Gateway describes the service ssmmessages, whose channels others serve, to the front door. (Service Authorization
// Reference, "Amazon Session Manager Message Gateway Service".)
func Gateway() wire.Service {
	const control, data = "/v1/control-channel/{id}", "/v1/data-channel/{id}"
	return wire.Service{Name: "ssmmessages", Protocol: wire.RestJSON, Version: "2017-09-01", Known: []wire.Known{
		{Name: "CreateControlChannel", Method: "POST", Path: control}, {Name: "OpenControlChannel", Method: "GET", Path: control},
		{Name: "CreateDataChannel", Method: "POST", Path: data}, {Name: "OpenDataChannel", Method: "GET", Path: data},
	}}
}
