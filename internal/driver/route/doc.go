// Package route makes the routing tables and rules of routers, gateways, NAT gateways and the public side.
//
// What does it own? In those: every route and every rule with protocol number kernel.RouteProtocol.
// Nothing in instances.
//
// How does a fresh process recognise its own? By that number.
//
// In what order does it create and delete? New routes first, each replacing one for the same destination in one step;
// then new rules; then the rules and last the routes that are not wanted any more. So there is no moment without a
// route that is wanted before and after. A destination that leads nowhere has a route to the hole, an interface that
// swallows everything, so nothing ever falls through to another table.
//
// What happens to packets if we die right here? Those whose route is not made yet go to the hole or to where they went
// before. The next process reads back what there is and does the rest.
//
// What does it not look at again? A router's table of the VPC's own addresses, while its ports and cables are the same.
//
// How is it tested without root? What the tables must be is a pure function of the Fabric and the interfaces' numbers
// (see render.go); the rest is tested with real namespaces, which needs root.
package route
