"""How clients write servers, rules, permissions and references, as far as several of them write alike."""
