"""People with a human surface: MakeHuman's body and clothes, posed by the joints of `figure`, before photographs."""
